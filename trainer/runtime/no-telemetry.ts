/**
 * @file ONNX Runtime's builds for Linux keep a device id and a database of events in the user's
 * cache folder, and send them to Microsoft. The library reads this variable when it makes its first
 * session, so it is set before anybody can have one.
 */
process.env.ORT_DISABLE_TELEMETRY = '1';
