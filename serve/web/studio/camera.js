// A photo from the device's camera.

import { find, show } from "./dom.js";

/** Whether this browser lets a page see a camera at all. */
export const hasCamera = () => Boolean(navigator.mediaDevices?.getUserMedia);

/** Let somebody take a photo; null if they do not. */
export async function takePhoto() {
  const [dialog, view, fault] = [find("camera"), find("camera-view"), find("camera-fault")];
  show(fault, false);
  dialog.showModal();
  let stream = null;
  try {
    stream = await navigator.mediaDevices.getUserMedia({ video: { width: { ideal: 1920 }, height: { ideal: 1920 } } });
    view.srcObject = stream;
  } catch (error) {
    fault.textContent = `The camera cannot be used: ${error.message}.`;
    show(fault);
  }
  const photo = await chosen(dialog, view, stream);
  for (const track of stream?.getTracks() ?? []) track.stop();
  view.srcObject = null;
  return photo;
}

function chosen(dialog, view, stream) {
  return new Promise((resolve) => {
    find("shoot").disabled = stream === null;
    find("shoot").onclick = async () => {
      const photo = await still(view);
      dialog.close();
      resolve(photo);
    };
    find("camera-close").onclick = () => dialog.close();
    dialog.onclose = () => resolve(null);
  });
}

async function still(view) {
  const canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = [view.videoWidth, view.videoHeight];
  canvas.getContext("2d").drawImage(view, 0, 0);
  const blob = await new Promise((resolve) => canvas.toBlob(resolve, "image/jpeg", 0.95));
  return new File([blob], "camera.jpg", { type: "image/jpeg" });
}
