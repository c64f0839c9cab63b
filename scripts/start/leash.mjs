/**
 * @file Preloaded into the processes that `npm start` starts. Its end of the channel closes when
 * the starter dies, however it dies, and then this process and its children end too: nothing is
 * left running.
 */
const graceMs = 10_000;

// The starter gives each process a group of its own, which its children share.
const everyone = process.platform === 'win32' ? process.pid : -process.pid;

function end() {
  process.kill(everyone, 'SIGTERM');
  setTimeout(() => process.kill(everyone, 'SIGKILL'), graceMs).unref();
}

process.on('disconnect', end);
// It may have died before anybody listened.
if (!process.connected) end();
// Listening must not keep a process alive that has finished its work.
process.channel?.unref();
