"""`longreel data vico`: questions about the order of what films show."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from longreel.cli import options
from longreel.cli.files import made_folder
from longreel.cli.loading import loaded_model
from longreel.cli.output import print_json, print_remark
from longreel.cli.progress import shown_progress
from longreel.errors import UsageError

if TYPE_CHECKING:
    from longreel.data.captions import Captioner
    from longreel.data.clues import Writer
    from longreel.data.vico import VicoResult
    from longreel.endpoint import Endpoint

_CAPTIONS, _CLUES = "Captions", "Clues"
_TRUTH = "truth"
_MOST_NAMED = 10


def vico(
    videos: Annotated[
        Path, typer.Option("--videos", metavar="FOLDER", help="Films, in folders below it too.")
    ],
    output: Annotated[
        Path, typer.Option("--output", "-o", metavar="FILE", help="The questions: JSON lines.")
    ],
    writer: Annotated[
        str,
        typer.Option(
            "--writer",
            metavar="URL|truth",
            help="Who finds the clues: an OpenAI-compatible address, such as http://host/v1, or the truth "
            "file beside a drawn film.",
            rich_help_panel=_CLUES,
        ),
    ],
    writer_model: Annotated[
        str | None, typer.Option("--writer-model", help="Its model.", rich_help_panel=_CLUES)
    ] = None,
    writer_key: Annotated[
        str,
        typer.Option("--writer-key", help="Environment variable that holds its key.", rich_help_panel=_CLUES),
    ] = "OPENAI_API_KEY",
    captioner: Annotated[
        str | None,
        typer.Option(
            "--captioner",
            metavar="MODEL|URL|truth",
            help="Who captions clips: the folder of a model or its name on the hub, an "
            "OpenAI-compatible address that takes pictures, or truth; not needed with --writer truth.",
            rich_help_panel=_CAPTIONS,
        ),
    ] = None,
    captioner_model: Annotated[
        str | None,
        typer.Option("--captioner-model", help="Model behind the address.", rich_help_panel=_CAPTIONS),
    ] = None,
    captioner_key: Annotated[
        str,
        typer.Option(
            "--captioner-key", help="Environment variable that holds its key.", rich_help_panel=_CAPTIONS
        ),
    ] = "OPENAI_API_KEY",
    caption_prompt: Annotated[
        str | None,
        typer.Option("--caption-prompt", help="What is asked about a clip.", rich_help_panel=_CAPTIONS),
    ] = None,
    frames: Annotated[
        int, typer.Option("--frames", min=1, help="Of a clip that are shown.", rich_help_panel=_CAPTIONS)
    ] = 8,
    dtype: options.Dtype = None,
    device: options.Device = None,
    clip_seconds: Annotated[float, typer.Option("--clip-seconds", help="Length of a clip.")] = 14.0,
    questions: Annotated[int, typer.Option("--questions", min=1, help="About a film, at most.")] = 3,
    seed: Annotated[int, typer.Option("--seed", min=0, help="Of what is drawn at random.")] = 0,
    quiet: options.Quiet = False,
    as_json: options.Json = False,
) -> None:
    """Write questions about the order of what films show, as Video-XL was trained on (VICO).

    Each film is cut into clips, each clip is captioned, clues are found in the captions, and questions ask
    for their order, in the format that `longreel train` reads.

    What is finished is kept in FILE.work: after Ctrl-C or a failure the same command goes on. A film that
    something is wrong with is left out and named; the same command tries it again.

    Examples:

      longreel data vico --videos films --writer truth -o vico.jsonl

      longreel data vico --videos films --captioner MODEL --writer URL --writer-model NAME -o vico.jsonl
    """
    from longreel.data.prompts import CAPTION
    from longreel.data.vico import VicoSettings, make_vico

    settings = VicoSettings(clip_seconds, questions, seed)
    chosen_writer = _writer(writer, writer_model, writer_key)
    _check_folders(videos, output)
    chosen_captioner = _captioner(
        captioner, captioner_model, captioner_key, caption_prompt or CAPTION, frames, dtype, device
    )
    try:
        with shown_progress(quiet) as progress:
            result = make_vico(videos, output, chosen_captioner, chosen_writer, settings, progress)
    except KeyboardInterrupt:
        print_remark(f"what is finished is in {output}.work: run the same command again to go on")
        raise
    _show(videos, output, result, as_json)


def _writer(name: str, model: str | None, key: str) -> Writer:
    from longreel.data.endpoint_writer import EndpointWriter, WritingEndpoint
    from longreel.data.film_truth import TruthWriter
    from longreel.endpoint import is_address

    if is_address(name):
        return EndpointWriter(_endpoint(WritingEndpoint, name, model, key))
    _refuse_model("writer", model)
    if name != _TRUTH:
        raise UsageError(f"--writer {name!r} is no http address: write http://host/v1, or {_TRUTH}")
    return TruthWriter()


def _captioner(
    name: str | None,
    model: str | None,
    key: str,
    prompt: str,
    frames: int,
    dtype: str | None,
    device: str | None,
) -> Captioner | None:
    from longreel.data.endpoint_captioner import CaptioningEndpoint, EndpointCaptioner
    from longreel.data.film_truth import TruthCaptioner
    from longreel.endpoint import is_address

    if name is not None and is_address(name):
        return EndpointCaptioner(_endpoint(CaptioningEndpoint, name, model, key), prompt, frames)
    _refuse_model("captioner", model)
    if name is None:
        return None
    if name == _TRUTH:
        return TruthCaptioner()
    from longreel.data.model_captioner import ModelCaptioner

    # A clip is short: there is nothing to compress.
    loaded = loaded_model(name, "keep-all", None, dtype, device)
    return ModelCaptioner(loaded, prompt, frames)


def _endpoint(kind: type[Endpoint], url: str, model: str | None, key: str) -> Endpoint:
    from longreel.endpoint import key_in

    if not model:
        raise UsageError(f"--{kind.role} needs to know which model: name it with --{kind.role}-model")
    return kind(url, model, key_in(key, f"--{kind.role}-key"))


def _refuse_model(role: str, model: str | None) -> None:
    if model is not None:
        raise UsageError(f"--{role}-model goes with an address: give one as --{role}, or leave it out")


def _check_folders(videos: Path, output: Path) -> None:
    """What would be a pity to find out once a model is loaded."""
    from longreel.data.found_films import film_names

    film_names(videos)
    if output.is_dir():
        raise UsageError(f"{output} is a folder: name a file in it, such as {output / 'vico.jsonl'}")
    made_folder(output.parent)


def _show(videos: Path, output: Path, result: VicoResult, as_json: bool) -> None:
    for left_out in result.left_out[:_MOST_NAMED]:
        print_remark(f"{left_out.film} is left out ({left_out.reason}): {left_out.detail}")
    if len(result.left_out) > _MOST_NAMED:
        print_remark(
            f"{len(result.left_out)} films are left out: {output}.work/left_out.jsonl names them all"
        )
    if as_json:
        print_json(
            {
                "output": str(output),
                "samples": result.samples,
                "films": result.films,
                "clips": result.clips,
                "reasons": result.reasons(),
                "left_out": [each._asdict() for each in result.left_out],
            }
        )
        return
    used = result.films - len(result.left_out)
    print(f"{output}: {result.samples} questions about {used} of {result.films} films; for a recipe:")
    # JSON's way to write text is TOML's, too.
    print(f"[[data]]\nfile = {json.dumps(str(output))}\nfolder = {json.dumps(str(videos))}")
