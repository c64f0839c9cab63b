/**
 * @file ONNX Runtime's builds for Linux keep a device id and a database of events in the user's cache folder, and send them
 * to Microsoft. The library reads this variable while it is being loaded, so this has to be imported before it.
 */
process.env.ORT_DISABLE_TELEMETRY = '1';
