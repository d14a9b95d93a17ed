// A GLB to turn with mouse, finger or arrow keys.

import * as THREE from "./three/three.module.min.js";
import { GLTFLoader } from "./three/GLTFLoader.js";
import { OrbitControls } from "./three/OrbitControls.js";
import { make, words } from "./dom.js";

const TURN = 0.15; // radians: an arrow key

/** @param {string} address of the GLB @returns {Promise<HTMLElement>} */
export async function viewer(address) {
  const { scene: figure } = await new GLTFLoader().loadAsync(address);
  const canvas = make("canvas", { tabindex: "0", role: "img", "aria-label": "The figure. Arrow keys turn it." });
  const element = make("div", { class: "viewer" }, canvas);

  const scene = new THREE.Scene();
  scene.add(figure, new THREE.HemisphereLight(0xffffff, 0xb0a59a, 2.2));
  const sun = new THREE.DirectionalLight(0xffffff, 1.4);
  sun.position.set(1, 2, 3);
  scene.add(sun);

  const box = new THREE.Box3().setFromObject(figure);
  const centre = box.getCenter(new THREE.Vector3());
  const size = box.getSize(new THREE.Vector3());
  const camera = new THREE.PerspectiveCamera(30, 1, 0.01, 100);
  const distance = (0.56 * Math.max(size.y, size.x)) / Math.tan((camera.fov / 2) * (Math.PI / 180));
  camera.position.set(centre.x, centre.y, centre.z + distance);

  const renderer = new THREE.WebGLRenderer({ canvas, antialias: true, alpha: true, preserveDrawingBuffer: true });
  const controls = new OrbitControls(camera, canvas);
  controls.target.copy(centre);
  controls.enablePan = false;
  [controls.minDistance, controls.maxDistance] = [distance / 4, distance * 2];
  controls.update();

  const draw = () => renderer.render(scene, camera);
  controls.addEventListener("change", draw);
  canvas.addEventListener("keydown", (event) => {
    const turn = { ArrowLeft: -TURN, ArrowRight: TURN }[event.key];
    if (!turn) return;
    camera.position.sub(centre).applyAxisAngle(new THREE.Vector3(0, 1, 0), turn).add(centre);
    controls.update();
    draw();
    event.preventDefault();
  });
  new ResizeObserver(() => {
    const { clientWidth: width, clientHeight: height } = element;
    if (!width || !height) return;
    renderer.setPixelRatio(Math.min(2, devicePixelRatio));
    renderer.setSize(width, height, false);
    camera.aspect = width / height;
    const seen = 0.56 * Math.max(size.y, size.x / camera.aspect); // half of what must fit, and a margin
    camera.fov = THREE.MathUtils.radToDeg(2 * Math.atan(seen / distance));
    camera.updateProjectionMatrix();
    draw();
  }).observe(element);
  canvas.dataset.vertices = count(figure);
  return make("div", {}, element, parts(figure, draw));
}

/** A switch for each named part, such as the clothes; none where all is one. */
function parts(figure, draw) {
  const named = [];
  figure.traverse((part) => part.isMesh && part.name && named.push(part));
  if (named.length < 2) return null;
  const switches = named.map((part) => {
    const box = make("input", { type: "checkbox", checked: true });
    box.addEventListener("change", () => {
      part.visible = box.checked;
      draw();
    });
    return make("label", { class: "switch" }, box, " ", words(part.name));
  });
  return make("p", { class: "row", role: "group", "aria-label": "Parts that are shown" }, ...switches);
}

function count(figure) {
  let vertices = 0;
  figure.traverse((part) => (vertices += part.geometry?.getAttribute("position")?.count ?? 0));
  return vertices;
}
