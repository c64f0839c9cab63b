/** @file ONNX Runtime without its telemetry: the only place that loads the library. */
import './no-telemetry';
import * as ort from 'onnxruntime-node';

export { ort };
