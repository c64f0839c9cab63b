import { redirect } from 'next/navigation';
import { currentPerson } from './auth/current-person';

/** The front door: everybody starts where the work is. */
export default async function FrontDoor() {
  redirect((await currentPerson()) ? '/label' : '/sign-in');
}
