"""One-line breaks that somebody could make by mistake, each with the tests that must notice."""

from __future__ import annotations

from typing import NamedTuple


class Break(NamedTuple):
    """`old`, which is in `file` once, becomes `new`; then one of `tests` (pytest's names) must fail."""

    name: str
    file: str
    old: str
    new: str
    tests: tuple[str, ...]


_SERVE, _PICTURES = "tests/serve/test_", "tests/model/pictures/test_"

BREAKS = (
    # -- what is stored -----------------------------------------------------------------------------------------
    Break(
        "no checksum is sent to S3",
        "serve/s3.py",
        ", ChecksumSHA256=digest",
        "",
        (f"{_SERVE}s3_faults.py::test_s3_is_told_what_it_should_have_got",),
    ),
    Break(
        "a stored answer to another request is returned",
        "serve/results.py",
        "if manifest.digest != job.digest:",
        "if not manifest.digest:",
        (f"{_SERVE}replicas.py::test_another_container_finds_the_stored_answer",),
    ),
    Break(
        "two containers mix their files",
        "serve/results.py",
        "new=place == 0",
        "new=False",
        (f"{_SERVE}replicas.py::test_an_id_that_two_containers_compute_at_once_is_answered_once",),
    ),
    Break(
        "an id is refused to its owner after somebody else has tried it",
        "serve/jobs.py",
        " and not isinstance(problem, IdInUse)",
        "",
        (f"{_SERVE}replicas.py::test_another_container_finds_the_stored_answer",),
    ),
    Break(
        "a second manifest replaces the first",
        "serve/s3.py",
        ', IfNoneMatch="*"',
        "",
        (f"{_SERVE}outputs.py::test_what_is_created_once_is_not_created_again",),
    ),
    Break(
        "storage is asked under drawn ids",
        "serve/jobs.py",
        "may_be_stored=submission.id_given,",
        "may_be_stored=True,",
        (f"{_SERVE}s3_faults.py::test_storage_is_asked_for_an_earlier_answer_only_under_an_id_that_may_have_one",),
    ),
    Break(
        "a prefix may climb",
        "serve/addresses.py",
        ' and ".." not in plain.split("/")',
        "",
        (f"{_SERVE}outputs.py::test_a_prefix_outside_the_allowed_ones_is_refused",),
    ),
    # -- jobs on disk -------------------------------------------------------------------------------------------
    Break(
        "marks are written in place",
        "serve/place.py",
        'beside = path.with_name(f".{path.name}.part")',
        "beside = path",
        (f"{_SERVE}place.py::test_who_has_a_mark_open_while_it_is_written_anew_reads_the_old_one_to_its_end",),
    ),
    Break(
        "the worker writes its mark in place",
        "container/worker.py",
        "directory.mark(result)",
        "(directory.path / result.file).write_text(result.model_dump_json())",
        (f"{_SERVE}place.py::test_so_is_what_a_worker_has_computed",),
    ),
    Break(
        "marks are not synced",
        "serve/place.py",
        "        file.flush()\n        os.fsync(file.fileno())\n",
        "",
        (f"{_SERVE}place.py::test_a_mark_is_on_the_disk_before_it_is_in_its_place_and_its_folder_after_it",),
    ),
    Break(
        "everybody may look into the spool",
        "serve/spool.py",
        "root.mkdir(mode=0o700",
        "root.mkdir(mode=0o755",
        (f"{_SERVE}spool.py::test_nobody_else_may_look_into_the_spool",),
    ),
    Break(
        "everybody may look into a job",
        "serve/spool.py",
        "directory.path.mkdir(mode=0o700)",
        "directory.path.mkdir(mode=0o755)",
        (f"{_SERVE}spool.py::test_nobody_else_may_look_into_the_spool",),
    ),
    Break(
        "an id claimed anew is erased with its old answer",
        "serve/spool.py",
        "        for directory in found:\n            if self._is_expired(directory):\n",
        "        for directory in found:\n            if True:\n",
        (f"{_SERVE}spool.py::test_an_id_that_is_claimed_anew_while_old_answers_are_looked_for_is_not_erased",),
    ),
    Break(
        "pictures outlive their job",
        "serve/spool.py",
        "            self.mark(settled)\n        self._erase_all_but_the_answer()\n",
        "            self.mark(settled)\n",
        (f"{_SERVE}outputs.py::test_pictures_are_erased_when_they_are_stored_and_answers_when_they_are_old",),
    ),
    Break(
        "a start reads old answers",
        "serve/jobs.py",
        "if not directory.has(Settled) and",
        "if directory.read(Settled) is None and",
        (f"{_SERVE}jobs_api.py::test_an_answer_that_cannot_be_read_is_no_reason_not_to_start",),
    ),
    # -- jobs ---------------------------------------------------------------------------------------------------
    Break(
        "a result on disk is ignored when its worker dies",
        "container/supervisor.py",
        "if ticket.cancelled or JobDirectory(self._spool_dir / ticket.name).has(Result):",
        "if ticket.cancelled:",
        (f"{_SERVE}workers.py::test_a_result_that_a_dying_worker_has_left_is_an_answer",),
    ),
    Break(
        "a job joined by a durable one gets no deadline",
        "serve/live_job.py",
        "if self.limit is not None:",
        "if False:",
        (f"{_SERVE}jobs_api.py::test_a_job_that_is_handed_in_while_somebody_waits_for_it_gets_its_deadline",),
    ),
    Break(
        "nobody waits, and the job goes on",
        "serve/jobs.py",
        "if job.waiters == 0 and not job.computed:",
        "if job.waiters < 0 and not job.computed:",
        (f"{_SERVE}jobs.py::test_a_client_that_hangs_up_frees_the_device_at_the_next_step",),
    ),
    Break(
        "a worker that beats no more goes on",
        "container/worker.py",
        "group.create_task(worker.start())",
        "starting = asyncio.create_task(worker.start())",
        (f"{_SERVE}workers.py::test_a_worker_that_beats_no_more_is_replaced",),
    ),
    Break(
        "a file of requests uses one worker",
        "container/serve.py",
        "settings.max_live_jobs * supervisor.count",
        "settings.max_live_jobs",
        (f"{_SERVE}batch.py::test_as_many_lines_are_taken_up_as_all_workers_together_have_room_for",),
    ),
    # -- answers ------------------------------------------------------------------------------------------------
    Break(
        "nobody is told when to come back",
        "serve/responses.py",
        "if problem.retry_after_s is not None:",
        "if False:",
        (f"{_SERVE}jobs.py::test_new_work_is_refused_when_the_disk_is_nearly_full",),
    ),
    Break(
        "what nobody foresaw has no request id",
        "serve/middleware.py",
        "(scope, receive, send_with_headers)\n        finally:",
        "(scope, receive, send)\n        finally:",
        (f"{_SERVE}middleware.py::test_what_nobody_foresaw_carries_the_same_headers",),
    ),
    Break(
        "a stream's problem names its job",
        "serve/stream.py",
        "yield ending(problem.details(request_id))",
        "yield ending(problem.details(job.id))",
        (f"{_SERVE}invocations.py::test_a_stream_ends_with_the_problem_when_there_is_one",),
    ),
    Break(
        "an engine may say any code",
        "serve/errors.py",
        "in map(codes_of, requests) if code in codes), None)",
        "in map(codes_of, requests) if code in codes), CommonCode.INVALID_FIELD)",
        (f"{_SERVE}invocations.py::test_a_bug_in_an_engine_tells_the_client_nothing_of_itself",),
    ),
    Break(
        "bodies are parsed on the event loop",
        "serve/body.py",
        "return await asyncio.to_thread(lambda: cls(parse_json(raw), hashlib.sha256(raw).hexdigest()))",
        "return cls(parse_json(raw), hashlib.sha256(raw).hexdigest())",
        (f"{_SERVE}body.py::test_bodies_are_parsed_and_hashed_off_the_event_loop",),
    ),
    # -- who may do what ----------------------------------------------------------------------------------------
    Break(
        "DELETE needs no token",
        "serve/token.py",
        'if scope["type"] != "http" or ',
        'if scope["type"] != "http" or scope["method"] == "DELETE" or ',
        (f"{_SERVE}token.py::test_every_route_but_ping_and_the_docs_needs_the_token",),
    ),
    Break(
        "the beginning of the token is the token",
        "serve/tokens.py",
        "if hmac.compare_digest(given, token.encode())]",
        "if given and token.encode().startswith(given)]",
        (f"{_SERVE}token.py::test_anything_else_than_the_token_is_not_the_token",),
    ),
    Break(
        "workers know a credential",
        "container/worker_process.py",
        '("PATH", "HOME",',
        '("PATH", "AWS_SECRET_ACCESS_KEY", "HOME",',
        (f"{_SERVE}workers.py::test_a_worker_knows_no_secret_gives_way_to_the_front_and_ends_with_it",),
    ),
    Break(
        "four redirects are followed",
        "serve/https.py",
        "_MAX_REDIRECTS, _LAST_PORT = 3,",
        "_MAX_REDIRECTS, _LAST_PORT = 4,",
        (f"{_SERVE}inputs.py::test_https_follows_three_redirects_and_no_more",),
    ),
    Break(
        "an IPv4 address hides in an IPv6 one",
        "serve/https.py",
        "if ip.ipv4_mapped is not None or ip in _NAT64:",
        "if ip.ipv4_mapped is not None:",
        (f"{_SERVE}ssrf.py", f"{_SERVE}inputs.py::test_only_public_addresses_are_public"),
    ),
    Break(
        "one signature opens every file",
        "serve/addresses_of_jobs.py",
        'f"{path}\\n{expires}".encode()',
        'f"{expires}".encode()',
        (f"{_SERVE}job_files.py::test_nothing_but_what_was_signed_is_given",),
    ),
    Break(
        "signatures are good for ever",
        "serve/addresses_of_jobs.py",
        " and int(expires) > time.time()",
        "",
        (f"{_SERVE}job_files.py::test_a_signature_expires",),
    ),
    # -- pictures -----------------------------------------------------------------------------------------------
    Break(
        "what was erased comes back",
        "model/pictures/reading.py",
        "        read = without_hidden(read)\n",
        "        pass\n",
        (f"{_PICTURES}damage.py::test_a_palettes_alpha_is_read_and_hides_its_colours",),
    ),
    Break(
        "a palette is never transparent",
        "model/pictures/reading.py",
        "if picture.has_transparency_data:",
        'if picture.mode in ("LA", "RGBA"):',
        (f"{_PICTURES}damage.py::test_a_palettes_alpha_is_read_and_hides_its_colours",),
    ),
    Break(
        "a transparent colour is opaque",
        "model/pictures/reading.py",
        "if bare.transparent is not None:",
        "if False:",
        (f"{_PICTURES}damage.py::test_a_transparent_colour_of_sixteen_bits_is_transparent",),
    ),
    Break(
        "the box is of the person alone",
        "model/tryon/crop.py",
        "needed = united(grown(mask, MASK_GROWTH / 2), grown(person, SURROUNDINGS))",
        "needed = grown(person, SURROUNDINGS)",
        ("tests/model/tryon/test_crop.py",),
    ),
    Break(
        "the centred box is kept wherever the mask is",
        "model/tryon/crop.py",
        "return inside and person_height",
        "return person_height",
        ("tests/model/tryon/test_crop.py",),
    ),
    # -- engines ------------------------------------------------------------------------------------------------
    Break(
        "OOTDiffusion paints outside the mask",
        "model/engines/ootdiffusion/sampling.py",
        "        latents = (1 - mask) * sampler.noised(known, noise, i + 1) + mask * latents\n",
        "",
        ("tests/model/ootdiffusion/test_sampling.py",),
    ),
    Break(
        "the photo is as noisy as a step ago",
        "model/engines/ootdiffusion/sampling.py",
        "sampler.noised(known, noise, i + 1)",
        "sampler.noised(known, noise, i)",
        ("tests/model/ootdiffusion/test_sampling.py",),
    ),
    Break(
        "a point looks at pixels of any layer",
        "model/engines/template/gathering.py",
        "_gathered(keys.of_layer(int(layer)), ",
        "_gathered(keys, ",
        ("tests/model/template/test_gathering.py",),
    ),
    Break(
        "unsure pixels count as much",
        "model/engines/template/trust.py",
        " * certainty**4",
        "",
        ("tests/model/template/test_gathering.py",),
    ),
    Break(
        "a photo's face stays where its labels put it",
        "model/engines/template/faces.py",
        " - self.offset) / self.scale",
        ") / self.scale",
        ("tests/model/template/test_sightings.py",),
    ),
    Break(
        "a mask is white from 129 on",
        "model/tryon/pictures.py",
        "HALF_WHITE = 128",
        "HALF_WHITE = 129",
        ("tests/model/tryon/test_pictures.py::test_a_mask_is_white_from_128_on",),
    ),
    Break(
        "a mask's tensor is white from above 128 on",
        "model/tryon/pictures.py",
        "(pixels >= HALF_WHITE)",
        "(pixels > HALF_WHITE)",
        ("tests/model/tryon/test_pictures.py::test_a_mask_is_white_from_128_on",),
    ),
    Break(
        "labels are remembered for ever",
        "model/runtime/recent.py",
        "call_later(self._most_s,",
        "call_later(1e6,",
        ("tests/model/tryon/test_masker.py::test_labels_are_forgotten_when_their_time_is_over_also_those_just_used",),
    ),
    Break(
        "Pillow's own limit of pixels holds in workers",
        "container/worker.py",
        "    Image.MAX_IMAGE_PIXELS = settings.max_pixels",
        "    pass",
        (f"{_SERVE}inputs.py::test_workers_open_pictures_of_as_many_pixels_as_the_limit",),
    ),
)
