import { ImageOff } from 'lucide-react';
import Link from 'next/link';
import { buttonClass } from './components/ui/button-class';
import { Notice } from './components/ui/notice';

export default function NotFound() {
  return (
    <Notice
      icon={ImageOff}
      title="There is nothing here"
      action={
        <Link href="/" className={buttonClass()}>
          To the start
        </Link>
      }
    >
      The address is wrong, or what it showed has been removed.
    </Notice>
  );
}
