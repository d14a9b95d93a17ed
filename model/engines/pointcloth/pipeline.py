"""One request from top to bottom, as the paper has it.

fit   photos ─► bodies, masks ─► four codes coarsely ─► one code finely ─► the cloud ─► its looks
wear  outfit, body ─► points of the body ─► draping network ─► the cloud on that body ─► pictures
mix   two codes ─► one between them ─► as wear
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import numpy as np
import torch
from torch import Generator, Tensor

from model.clothes.arrays import Floats
from model.engine import Job
from model.engines.pointcloth.appearance.fitting import AppearanceFit, View
from model.engines.pointcloth.appearance.losses import Perceptual, ScaledDifferences, perceptual_loss
from model.engines.pointcloth.bodies import DISTANCE, WornBody, read_worn_body, worn_body
from model.engines.pointcloth.carrying import carried
from model.engines.pointcloth.files import PERCEPTUAL
from model.engines.pointcloth.fitting import FitSettings, FitStage, best_of, fine_start, first_codes
from model.engines.pointcloth.looks import THRESHOLD, Wrapping
from model.engines.pointcloth.memory import FIT_POINTS
from model.engines.pointcloth.networks import OutfitNetworks, grouped
from model.engines.pointcloth.outfit import FittedOutfit, read_outfit
from model.engines.pointcloth.outfit_codes import mixed
from model.engines.pointcloth.rendering import BodyScene, outline, overlap, seen_in
from model.engines.pointcloth.request import Request
from model.engines.pointcloth.results import OutfitResults
from model.engines.pointcloth.seeing import Seeing, SeenPerson
from model.engines.pointcloth.texture import SeenTexels, plain_texture, texture_of

FIT_SIZE = 256  # pixels a side of what is compared
APPEARANCE_SIZE = 256  # of the pictures that descriptors are fitted to
LOOKS_SIZE = 512  # pixels a side of the pictures that colours are taken from
_FILMED = 4  # iterations between two pictures of the film
FASTER = 10.0  # times the published rates: photos are few
_PICTURE_FILL = 0.85  # of a picture without a photo that the body takes
_WALK = 36  # pictures


class OutfitPipeline:
    """The tasks of one job."""

    def __init__(self, networks: OutfitNetworks, request: Request, job: Job) -> None:
        self.networks, self.device = networks, networks.device
        self.request, self.job = request, job
        self.results = OutfitResults(networks.device, request, job)
        self.seeing = Seeing(networks, request, job)

    async def run(self) -> None:
        """The task that is asked for."""
        match self.request.task:
            case "fit":
                await self.fit()
            case "wear":
                await self.wear()
            case "mix":
                await self.mix()

    async def fit(self) -> None:
        """The outfit of the person in the photos."""
        people = await self._people()
        first = people[0]
        code = await self._code(first)
        cloud = await self.draped(code, first.worn)
        scene = first.scene(self.request.size)
        seen = await self.device.run(lambda: seen_in(scene, cloud, self.request.visibility_thr).visible[0])
        outfit = FittedOutfit(
            code.numpy(force=True),
            self._upright(cloud, first.worn),
            seen.numpy(force=True),
            first.worn.betas.numpy(),
            first.worn.pose.numpy(),
        )
        outfit = await self._with_looks(outfit, people)
        mask = torch.from_numpy(first.cut_mask(self.request.size) > 127)
        found = await self.device.run(lambda: outline(scene, cloud, self.request.visibility_thr).cpu())
        self.job.settings["mask_iou"] = f"{overlap(found, mask):.3f}"
        await self.results.write(outfit, self.networks.body, first.worn)
        await self.results.on_picture(scene, cloud, outfit, first.picture(self.request.size), "fit.png")
        await self._turn(outfit, first.worn)

    async def wear(self) -> None:
        """An outfit on somebody else."""
        outfit = await self._outfit("outfit")
        if self.request.person is not None:
            person = await self.seeing.person("person", None, self._body_input(), clothes=False)
            cloud, outfit = await self._put_on(outfit, person.worn)
            await self.results.write(outfit, self.networks.body, person.worn)
            await self.results.on_photo(person, cloud, outfit)
        else:
            await self._show(outfit, await self._asked_body())

    async def mix(self) -> None:
        """An outfit between two."""
        one, other = await self._outfit("outfit"), await self._outfit("other")
        ends = torch.from_numpy(one.code), torch.from_numpy(other.code)
        code = mixed(*ends, self.request.share)
        body = await self._asked_body()
        nearer = other if self.request.share > 0.5 else one
        await self._show(replace(nearer, code=code.numpy()), body)
        if self.request.walk:
            await self._walk(ends, body)

    # -- fitting ----------------------------------------------------------------------------------------------

    async def _people(self) -> list[SeenPerson]:
        request, people = self.request, []
        for i in range(len(request.photos or [])):
            mask = f"masks.{i}" if request.masks else None
            body = f"bodies.{i}" if request.bodies else None
            people.append(await self.seeing.person(f"photos.{i}", mask, body, clothes=True))
            self.job.progress("photos", i + 1, len(request.photos or []))
        return people

    async def _code(self, person: SeenPerson) -> Tensor:
        """The code of the clothes that the first photo shows, (8,)."""
        request, to = self.request, self.device.torch_device
        generator = Generator().manual_seed(request.seed)
        order = np.random.RandomState(request.seed)
        points = self._points(person.worn, FIT_POINTS)
        sight = await self.device.run(lambda: person.sight(points, self.networks, FIT_SIZE))
        settings = FitSettings(FIT_SIZE, request.visibility_thr)

        def stage(codes: list[Tensor]) -> FitStage:
            return FitStage(self._drape_for_fit, sight, settings, codes, order, generator)

        codes = [code.to(to) for code in first_codes(4, generator)]
        coarse = await self.device.run(lambda: stage(codes))
        await self._iterate(coarse, "coarse", request.coarse_iterations, person)
        fine = await self.device.run(lambda: stage(fine_start(coarse.codes)))
        await self._iterate(fine, "fine", request.fine_iterations, person)
        if request.fit_film:
            await self.results.film("fit.webm")
        return best_of(coarse, fine)

    async def _iterate(self, stage: FitStage, name: str, iterations: int, person: SeenPerson) -> None:
        for i in range(iterations):
            await self.device.run(stage.iterate)
            self.job.progress(name, i + 1, iterations)
            if self.request.fit_film and i % _FILMED == 0:
                scene = person.scene(self.request.size)
                await self.results.filmed(scene, await self._clouds(stage), person.picture(self.request.size))

    async def _clouds(self, stage: FitStage) -> list[Tensor]:
        return await self.device.run(lambda: [stage.cloud(code) for code in stage.codes])

    def _drape_for_fit(self, points: Tensor, codes: Tensor) -> Tensor:
        """Points, (B, N, 3), in groups as the network knows them."""
        groups, place = grouped(points[0], self.networks.group)
        each = len(groups)
        cloth: Tensor = self.networks.draping(groups.repeat(len(codes), 1, 1), codes.repeat_interleave(each, 0))
        return cloth.reshape(len(codes), -1, 3)[:, torch.from_numpy(place).to(cloth.device)]

    # -- looks ------------------------------------------------------------------------------------------------

    async def _with_looks(self, outfit: FittedOutfit, people: list[SeenPerson]) -> FittedOutfit:
        if self.request.appearance == "none":
            return outfit
        clouds = [await self.draped(torch.from_numpy(outfit.code), person.worn) for person in people]
        pairs = list(zip(people, clouds, strict=True))
        photos = [await self._in_photo(outfit, *pair) for pair in pairs]
        texture = await self.device.cpu(lambda: texture_of(photos)) or plain_texture(outfit.points)
        outfit = await self._coloured(replace(outfit, texture=texture), outfit.points)
        if self.request.appearance == "colours":
            return outfit
        return await self._with_network(outfit, await self.device.run(lambda: [self._view(*pair) for pair in pairs]))

    async def _in_photo(self, outfit: FittedOutfit, person: SeenPerson, cloud: Tensor) -> SeenTexels:
        upright = self._upright(cloud, person.worn)
        places = await self.device.cpu(lambda: carried(upright, outfit.points))

        def seen() -> SeenTexels:
            scene, size = person.scene(LOOKS_SIZE), LOOKS_SIZE
            return Wrapping(upright, places).seen_in(scene, cloud, person.picture(size), person.cut_mask(size))

        return await self.device.run(seen)

    async def _coloured(self, outfit: FittedOutfit, places: Floats) -> FittedOutfit:
        """With the colours of its points at these places of its texture."""
        assert outfit.texture is not None  # noqa: S101 - asked where there is one
        return replace(outfit, places=places, colours=await self.device.cpu(partial(outfit.texture.at, places)))

    def _view(self, person: SeenPerson, cloud: Tensor) -> View:
        seen = seen_in(person.scene(APPEARANCE_SIZE), cloud, THRESHOLD)
        picture = torch.from_numpy(person.picture(APPEARANCE_SIZE)).to(cloud).permute(2, 0, 1) / 255
        mask = torch.from_numpy(person.cut_mask(APPEARANCE_SIZE)).to(cloud)[None] / 255
        return View(seen, picture, mask)

    async def _with_network(self, outfit: FittedOutfit, views: list[View]) -> FittedOutfit:
        generator = Generator().manual_seed(self.request.seed)
        file = self.networks.weights / PERCEPTUAL
        to = self.device.torch_device

        def start() -> AppearanceFit:
            torch.manual_seed(self.request.seed)  # for the network's first weights; nothing else here draws globally
            compared: Perceptual | ScaledDifferences = ScaledDifferences()
            if file.is_file():
                compared = perceptual_loss(file).load(to, torch.float32)
            return AppearanceFit(views, compared, generator, faster=FASTER)

        fit = await self.device.run(start)
        total = self.request.appearance_iterations
        for i in range(total):
            await self.device.run(fit.iterate)
            self.job.progress("appearance", i + 1, total)
        state = {name: tensor.numpy(force=True) for name, tensor in fit.network.state_dict().items()}
        return replace(outfit, descriptors=fit.descriptors.numpy(force=True), network=state)

    # -- wearing ----------------------------------------------------------------------------------------------

    async def _outfit(self, field: str) -> FittedOutfit:
        name = getattr(self.request, f"{field}_name")
        if name is not None:
            code = self.networks.code(name, f"{field}_name")
            empty = np.zeros((0, 3), np.float32)
            return FittedOutfit(code, empty, np.zeros(0, bool), np.zeros(10, np.float32), empty)
        return await self.device.cpu(lambda: read_outfit(self.job.inputs[field], field))

    def _body_input(self) -> str | None:
        return "body" if self.request.body is not None else None

    async def _asked_body(self) -> WornBody:
        """That of the request; where it says nothing, somebody of mean shape."""
        request, drawn = self.request, self.networks.body
        if request.body is not None:
            return await self.device.cpu(lambda: read_worn_body(self.job.inputs["body"], "body", drawn))
        return worn_body(drawn, request.betas or [], request.pose or {})

    async def _put_on(self, outfit: FittedOutfit, worn: WornBody) -> tuple[Tensor, FittedOutfit]:
        """The cloud on a body, before the camera, and the outfit that it is there."""
        known = None if outfit.colours is None else len(outfit.colours)
        cloud = await self.draped(torch.from_numpy(outfit.code), worn, known)
        there = replace(
            outfit,
            points=self._upright(cloud, worn),
            visible=np.ones(len(cloud), bool),
            betas=worn.betas.numpy(),
            pose=worn.pose.numpy(),
        )
        if outfit.texture is None or outfit.places is None:
            return cloud, there
        places = await self.device.cpu(partial(carried, there.points, outfit.places))
        return cloud, await self._coloured(there, places)

    async def _show(self, outfit: FittedOutfit, worn: WornBody) -> None:
        """Files and a picture of an outfit on a body that no photo shows."""
        worn = replace(worn, translation=torch.tensor([0.0, 0.0, DISTANCE]))
        cloud, outfit = await self._put_on(outfit, worn)
        await self.results.write(outfit, self.networks.body, worn)
        await self.results.on_picture(self._scene(worn), cloud, outfit, None, "worn.png")
        await self._turn(outfit, worn, cloud)

    async def _turn(self, outfit: FittedOutfit, worn: WornBody, cloud: Tensor | None = None) -> None:
        if self.request.turntable:
            worn = replace(worn, translation=torch.tensor([0.0, 0.0, DISTANCE]))
            cloud, outfit = await self._put_on(outfit, worn)
            await self.results.turntable(self._scene(worn), cloud, outfit)

    async def _walk(self, ends: tuple[Tensor, Tensor], body: WornBody) -> None:
        body = replace(body, translation=torch.tensor([0.0, 0.0, DISTANCE]))
        scene = self._scene(body)
        for i in range(_WALK):
            share = 0.5 - 0.5 * float(np.cos(np.pi * i / (_WALK - 1)))
            cloud = await self.draped(mixed(*ends, share), body)
            await self.results.filmed(scene, [cloud], None)
            self.job.progress("walk", i + 1, _WALK)
        await self.results.film("walk.webm")

    def _scene(self, worn: WornBody) -> BodyScene:
        """A body in the middle of a picture of its own."""
        body, to, size = self.networks.body, self.device.torch_device, self.request.size
        vertices = worn.vertices(body)
        low, high = vertices.amin(0), vertices.amax(0)
        middle, longest = (low + high) / 2, float((high - low)[:2].max())
        focal = _PICTURE_FILL * size * float(middle[2]) / longest
        vertices = vertices - torch.tensor([float(middle[0]), float(middle[1]), 0.0])
        camera = torch.tensor([[focal, 0, size / 2], [0, focal, size / 2], [0, 0, 1.0]])
        return BodyScene(vertices.to(to), body.model.faces.to(to), camera.to(to), size)

    # -- draping ----------------------------------------------------------------------------------------------

    async def draped(self, code: Tensor, worn: WornBody, points: int | None = None) -> Tensor:
        """(N, 3): an outfit on a body, before the camera."""
        to = self.device.torch_device
        frame = worn.frame(self.networks.body).to(to)
        upright = frame.upright(self._points(worn, points or self.request.points))
        groups, place = grouped(upright, self.networks.group)
        cloth: Tensor = await self.networks.drape(groups, code.to(to)[None].expand(len(groups), -1))
        return frame.world(cloth.reshape(-1, 3)[torch.from_numpy(place).to(to)])

    def _points(self, worn: WornBody, count: int | None) -> Tensor:
        """Of the body, before the camera: the first of all, which are spread evenly."""
        body = self.networks.body
        points = body.points.of(worn.vertices(body).numpy())
        return torch.from_numpy(points[:count]).to(self.device.torch_device)

    def _upright(self, cloud: Tensor, worn: WornBody) -> Floats:
        points: Floats = worn.frame(self.networks.body).upright(cloud.cpu()).numpy()
        return points
