/**
 * @file `npm run build`: the web app for production, as `npm start` would build it, which then need
 * not.
 */
import { build, isBuilt } from './build';

if (isBuilt()) console.log('The web app is built already.');
else {
  console.log('Building the web app; this takes a minute or two.');
  await build();
  console.log('Built. Start it with: npm start');
}
