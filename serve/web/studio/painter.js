// A mask painted by hand over the photo.

import { address, find, show } from "./dom.js";

const MOST = 1024; // pixels of the mask's longer side
const MARK = "#e0245e";
const STEP = 0.02; // of the width: an arrow key

/**
 * Let somebody paint.
 * @param {Blob} photo
 * @param {Blob|null} before the mask to go on from
 * @param {() => Promise<Blob>} automatic asks for the automatic mask
 * @returns {Promise<Blob|null|undefined>} PNG, white where the garment goes; null: no mask; undefined: as it was
 */
export async function paint(photo, before, automatic) {
  const [dialog, canvas, fault] = [find("painter"), find("painter-canvas"), find("painter-fault")];
  const picture = find("painter-photo");
  picture.src = address(photo);
  await picture.decode();
  const scale = Math.min(1, MOST / Math.max(picture.naturalWidth, picture.naturalHeight));
  canvas.width = Math.round(picture.naturalWidth * scale);
  canvas.height = Math.round(picture.naturalHeight * scale);

  const easel = new Easel(canvas);
  if (before) await easel.startFrom(before);
  find("undo").onclick = () => easel.undo();
  find("clear").onclick = () => easel.clear();
  find("automatic").onclick = async () => {
    show(fault, false);
    find("automatic").disabled = true;
    try {
      await easel.startFrom(await automatic());
    } catch (error) {
      fault.textContent = error.message;
      show(fault);
    }
    find("automatic").disabled = false;
  };

  show(fault, false);
  dialog.showModal();
  canvas.focus();
  return new Promise((resolve) => {
    find("painted").onclick = async () => {
      if (easel.isEmpty()) {
        fault.textContent = "Nothing is painted yet.";
        show(fault);
        return;
      }
      resolve(await easel.mask());
      dialog.close();
    };
    find("unpainted").onclick = () => {
      resolve(null);
      dialog.close();
    };
    dialog.onclose = () => resolve(undefined);
  });
}

/** Strokes on a canvas; the last one can be taken back. */
class Easel {
  constructor(canvas) {
    this.canvas = canvas;
    this.context = canvas.getContext("2d", { willReadFrequently: true });
    this.base = null; // a mask the strokes lie on
    this.strokes = [];
    this.cursor = [canvas.width / 2, canvas.height / 2];
    canvas.onpointerdown = (event) => this.begin(event);
    canvas.onpointermove = (event) => this.go(event);
    canvas.onpointerup = canvas.onpointercancel = () => (this.drawing = false);
    canvas.onkeydown = (event) => this.key(event);
    this.draw();
  }

  async startFrom(mask) {
    const picture = await createImageBitmap(mask);
    const { width, height } = this.canvas;
    const base = new OffscreenCanvas(width, height);
    const context = base.getContext("2d");
    context.drawImage(picture, 0, 0, width, height);
    const pixels = context.getImageData(0, 0, width, height);
    for (let i = 0; i < pixels.data.length; i += 4) {
      pixels.data.set([0xe0, 0x24, 0x5e, pixels.data[i] >= 128 ? 255 : 0], i);
    }
    context.putImageData(pixels, 0, 0);
    this.base = base;
    this.strokes = [];
    this.draw();
  }

  begin(event) {
    event.preventDefault();
    this.canvas.setPointerCapture(event.pointerId);
    this.drawing = true;
    this.stroke(this.at(event));
  }

  go(event) {
    if (!this.drawing) return;
    this.strokes.at(-1).points.push(this.at(event));
    this.draw();
  }

  at(event) {
    const box = this.canvas.getBoundingClientRect();
    return [
      ((event.clientX - box.left) / box.width) * this.canvas.width,
      ((event.clientY - box.top) / box.height) * this.canvas.height,
    ];
  }

  stroke(point) {
    const size = (Number(find("brush").value) / 100) * this.canvas.width;
    this.strokes.push({ points: [point], size, erase: find("erase").checked });
    this.cursor = point;
    this.draw();
  }

  key(event) {
    const moves = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
    const move = moves[event.key];
    if (move) {
      const step = STEP * this.canvas.width;
      const bounds = [this.canvas.width, this.canvas.height];
      this.cursor = this.cursor.map((value, i) => Math.min(bounds[i], Math.max(0, value + move[i] * step)));
      this.draw(true);
    } else if (event.key === " ") {
      this.stroke([...this.cursor]);
      this.draw(true);
    } else return;
    event.preventDefault();
  }

  undo() {
    if (!this.strokes.pop()) this.base = null;
    this.draw();
  }

  clear() {
    this.base = null;
    this.strokes = [];
    this.draw();
  }

  draw(withCursor = false) {
    this.paintOn(this.context, MARK);
    if (!withCursor) return;
    this.context.beginPath();
    this.context.arc(...this.cursor, Math.max(3, (Number(find("brush").value) / 200) * this.canvas.width), 0, 7);
    this.context.lineWidth = 3;
    this.context.strokeStyle = "#000";
    this.context.stroke();
    this.context.lineWidth = 1;
    this.context.strokeStyle = "#fff";
    this.context.stroke();
  }

  paintOn(context, colour) {
    context.globalCompositeOperation = "source-over";
    context.clearRect(0, 0, this.canvas.width, this.canvas.height);
    if (this.base) context.drawImage(this.base, 0, 0);
    for (const { points, size, erase } of this.strokes) {
      context.globalCompositeOperation = erase ? "destination-out" : "source-over";
      context.lineCap = context.lineJoin = "round";
      context.lineWidth = size;
      context.strokeStyle = colour;
      context.beginPath();
      context.moveTo(...points[0]);
      for (const point of points) context.lineTo(...point);
      if (points.length === 1) context.lineTo(points[0][0] + 0.01, points[0][1]);
      context.stroke();
    }
    context.globalCompositeOperation = "source-over";
  }

  pixels() {
    const { width, height } = this.canvas;
    const sheet = new OffscreenCanvas(width, height).getContext("2d");
    this.paintOn(sheet, MARK);
    return sheet.getImageData(0, 0, width, height);
  }

  isEmpty() {
    const { data } = this.pixels();
    for (let i = 3; i < data.length; i += 4) if (data[i] >= 128) return false;
    return true;
  }

  /** White where it is painted, black elsewhere. */
  async mask() {
    const pixels = this.pixels();
    for (let i = 0; i < pixels.data.length; i += 4) {
      const level = pixels.data[i + 3] >= 128 ? 255 : 0;
      pixels.data.set([level, level, level, 255], i);
    }
    const sheet = new OffscreenCanvas(pixels.width, pixels.height);
    sheet.getContext("2d").putImageData(pixels, 0, 0);
    return sheet.convertToBlob({ type: "image/png" });
  }
}
