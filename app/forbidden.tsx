import { Lock } from 'lucide-react';
import Link from 'next/link';
import { buttonClass } from './components/ui/button-class';
import { Notice } from './components/ui/notice';

export default function Forbidden() {
  return (
    <Notice
      icon={Lock}
      title="Your role does not open this page"
      action={
        <Link href="/" className={buttonClass()}>
          To the start
        </Link>
      }
    >
      Ask an admin for another role if you need it.
    </Notice>
  );
}
