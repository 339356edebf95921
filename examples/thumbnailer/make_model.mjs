// Writes model.onnx: which colour a picture has, by the mean of its pixels.
//
//     node make_model.mjs
//
// Four operations, with weights that are chosen by hand: ReduceMean, MatMul, Add, Softmax. The
// file is Protocol Buffers (onnx.proto); the few fields that it takes are written here.

import { writeFileSync } from "node:fs";

const LABELS = ["red", "green", "blue", "light", "dark"];
// One row for each of red, green and blue, one column for each label.
const WEIGHTS = [
  [24, -12, -12, 8, -8],
  [-12, 24, -12, 8, -8],
  [-12, -12, 24, 8, -8],
];
const BIAS = [-4, -4, -4, -16, 4];
const [FLOAT, INT, INTS] = [1, 2, 7];

const varint = (value) => {
  const bytes = [];
  for (let left = value; ; left = Math.floor(left / 128)) {
    if (left < 128) return Buffer.from([...bytes, left]);
    bytes.push((left % 128) + 128);
  }
};
const number = (field, value) => Buffer.concat([varint(field * 8), varint(value)]);
const block = (field, ...parts) => {
  const body = Buffer.concat(parts.map((part) => Buffer.from(part)));
  return Buffer.concat([varint(field * 8 + 2), varint(body.length), body]);
};

const attribute = (name, type, ...values) =>
  block(5, block(1, name), ...values.map((value) => number(type === INT ? 3 : 8, value)), number(20, type));
const node = (operation, inputs, output, ...attributes) =>
  block(1, ...inputs.map((name) => block(1, name)), block(2, output), block(4, operation), ...attributes);
const tensor = (name, dimensions, values) => {
  const data = Buffer.alloc(4 * values.length);
  values.forEach((value, at) => data.writeFloatLE(value, 4 * at));
  return block(5, ...dimensions.map((size) => number(1, size)), number(2, FLOAT), block(8, name), block(9, data));
};
const dimension = (size) => block(1, typeof size === "number" ? number(1, size) : block(2, size));
const value = (field, name, dimensions) =>
  block(field, block(1, name), block(2, block(1, number(1, FLOAT), block(2, ...dimensions.map(dimension)))));

const graph = block(
  7,
  node("ReduceMean", ["pixels"], "mean", attribute("axes", INTS, 1, 2), attribute("keepdims", INT, 0)),
  node("MatMul", ["mean", "weights"], "weighed"),
  node("Add", ["weighed", "bias"], "sums"),
  node("Softmax", ["sums"], "scores"),
  block(2, "colour"),
  tensor("weights", [3, LABELS.length], WEIGHTS.flat()),
  tensor("bias", [LABELS.length], BIAS),
  value(11, "pixels", [1, "height", "width", 3]),
  value(12, "scores", [1, LABELS.length]),
);
const model = Buffer.concat([number(1, 8), block(2, "make_model.mjs"), graph, block(8, number(2, 13))]);
writeFileSync(new URL("model.onnx", import.meta.url), model);
writeFileSync(new URL("labels.json", import.meta.url), `${JSON.stringify(LABELS)}\n`);
