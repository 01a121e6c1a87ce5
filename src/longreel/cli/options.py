"""Options that several verbs share."""

from __future__ import annotations

from typing import Annotated

import typer

_FILM = "Frames of the film"
_MODEL = "Model"
_ANSWER = "Answers"
_RETAKE = "ReTaKe (--method retake)"
_VIDEO_XL = "Video-XL (--method video-xl)"
_SUBTITLES = "Subtitles"
_LONG = "Films longer than in training"

Json = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Show no progress.")]

ModelName = Annotated[
    str | None,
    typer.Option(
        "--model",
        help="Folder of a model, or its name on the hub; default: the embedded one.",
        rich_help_panel=_MODEL,
    ),
]
MethodName = Annotated[
    str | None,
    typer.Option("--method", help="What is kept, such as video-xl or keep-all.", rich_help_panel=_MODEL),
]
Keep = Annotated[
    str | None,
    typer.Option(
        "--keep", help="Fraction to keep: 1/16, 0.0625 or 16x; default: the method's.", rich_help_panel=_MODEL
    ),
]

Budget = Annotated[
    int | None,
    typer.Option(
        "--budget",
        help="Tokens to keep of each film, in place of --keep: video-xl, uniform, recent-window, retake.",
        rich_help_panel=_MODEL,
    ),
]
Positions = Annotated[
    str,
    typer.Option(
        "--positions",
        help="Where text behind a film stands: trained (default), or as in transformers.",
        rich_help_panel=_MODEL,
    ),
]

Target = Annotated[
    str | None,
    typer.Option(
        "--target",
        metavar="auto|POSITIONS",
        help="Rescale the rotary table for what the films take up, or for so many positions.",
        rich_help_panel=_LONG,
    ),
]
Window = Annotated[
    int | None,
    typer.Option(
        "--window",
        help="Positions of the longest film in training; default: the family's.",
        rich_help_panel=_LONG,
    ),
]
Ramp = Annotated[
    str | None,
    typer.Option(
        "--ramp", help="How frequencies are rescaled: paper (default), yarn, linear.", rich_help_panel=_LONG
    ),
]
Pool = Annotated[
    str | None,
    typer.Option(
        "--pool",
        metavar="GROUP,FINE,COARSE",
        help="Pool frames: 4,2,8 is one in four by stride 2, the others by 8; 0,2,2 all alike.",
        rich_help_panel=_LONG,
    ),
]

ChunkFrames = Annotated[
    int, typer.Option("--chunk-frames", help="Frames prefilled together.", rich_help_panel=_RETAKE)
]
Keyframes = Annotated[
    str,
    typer.Option(
        "--keyframes",
        help="Fraction of frames that stay before any is prefilled: 1/2.",
        rich_help_panel=_RETAKE,
    ),
]
Select = Annotated[
    str,
    typer.Option(
        "--select",
        metavar="peaks|merge|merge-hard",
        help="How frames are chosen for --keyframes.",
        rich_help_panel=_RETAKE,
    ),
]
Pivots = Annotated[
    bool,
    typer.Option(
        "--pivots/--no-pivots", help="Keep tokens of keyframes before all others.", rich_help_panel=_RETAKE
    ),
]
Squeeze = Annotated[
    bool,
    typer.Option("--squeeze/--no-squeeze", help="Move what stays together in time.", rich_help_panel=_RETAKE),
]
ByLayer = Annotated[
    bool,
    typer.Option("--by-layer", help="Layers share what stays, as in AdaReTaKe.", rich_help_panel=_RETAKE),
]
ByTime = Annotated[
    bool,
    typer.Option(
        "--by-time",
        help="Chunks of a film share what stays by how much they change, as in AdaReTaKe.",
        rich_help_panel=_RETAKE,
    ),
]
Scores = Annotated[
    str,
    typer.Option(
        "--scores",
        metavar="attention|keys|question",
        help="What a token is worth: attention it gets, a short key, or a question's attention.",
        rich_help_panel=_RETAKE,
    ),
]
Intervals = Annotated[
    str,
    typer.Option(
        "--intervals",
        metavar="fixed|dynamic",
        help="Of equal length, or short where the picture changes and long where it does not.",
        rich_help_panel=_VIDEO_XL,
    ),
]
Ratios = Annotated[
    str | None,
    typer.Option(
        "--ratios",
        metavar="2,4,8",
        help="One for each interval, in place of --keep; or those to draw or choose from.",
        rich_help_panel=_VIDEO_XL,
    ),
]
Draw = Annotated[
    str | None,
    typer.Option(
        "--draw",
        metavar="interval|film",
        help="Draw a ratio at random for each interval or film.",
        rich_help_panel=_VIDEO_XL,
    ),
]
RatioSeed = Annotated[
    int, typer.Option("--ratio-seed", help="Repeat the same drawing.", rich_help_panel=_VIDEO_XL)
]
Dense = Annotated[
    str | None,
    typer.Option(
        "--dense",
        metavar="RATIO",
        help="Keep a second, finer level, such as 4x, for a closer look where a question attends.",
        rich_help_panel=_VIDEO_XL,
    ),
]
DenseIntervals = Annotated[
    int | None,
    typer.Option(
        "--dense-intervals",
        help="Intervals that a question reads at the finer level of --dense; default: 3.",
        rich_help_panel=_ANSWER,
    ),
]
Dtype = Annotated[
    str | None,
    typer.Option("--dtype", help="float32 (default), bfloat16 or float16.", rich_help_panel=_MODEL),
]
Device = Annotated[
    str | None, typer.Option("--device", help="cpu (default), cuda, cuda:1, …", rich_help_panel=_MODEL)
]
Methods = Annotated[
    str,
    typer.Option("--methods", help="To compare: video-xl,uniform,keep-all.", rich_help_panel=_MODEL),
]
Keeps = Annotated[
    str,
    typer.Option(
        "--keep", help="Fractions to keep, each with each method: 1,1/4,16x.", rich_help_panel=_MODEL
    ),
]

Fps = Annotated[
    float | None, typer.Option("--fps", help="Frames per second to watch.", rich_help_panel=_FILM)
]
Count = Annotated[
    int | None,
    typer.Option("--count", help="Exactly this many frames, evenly spread.", rich_help_panel=_FILM),
]
MaxFrames = Annotated[
    int | None, typer.Option("--max-frames", help="At most this many frames.", rich_help_panel=_FILM)
]
MaxTokens = Annotated[
    int | None,
    typer.Option(
        "--max-tokens",
        help="Most tokens a film may become; frames are made smaller for it.",
        rich_help_panel=_FILM,
    ),
]
Start = Annotated[float | None, typer.Option("--start", help="Begin at this second.", rich_help_panel=_FILM)]
End = Annotated[float | None, typer.Option("--end", help="Stop at this second.", rich_help_panel=_FILM)]
Seconds = Annotated[
    str | None,
    typer.Option("--seconds", help="The frames at these seconds: 1,2.5,10.", rich_help_panel=_FILM),
]
Strict = Annotated[
    bool, typer.Option("--strict", help="Fail if a part of the film is damaged.", rich_help_panel=_FILM)
]
AllowUrl = Annotated[
    bool, typer.Option("--allow-url", help="Let FILM be an http(s) address.", rich_help_panel=_FILM)
]

Subtitles = Annotated[
    list[str] | None,
    typer.Option(
        "--subtitles",
        metavar="FILE|track|track:en",
        help="What is said: an srt, vtt or ass file, or a track of the film; once for each film.",
        rich_help_panel=_SUBTITLES,
    ),
]
SubtitlePlacement = Annotated[
    str,
    typer.Option(
        "--subtitle-placement",
        metavar="times|transcript",
        help="Among the frames at their times, or as one transcript before the film.",
        rich_help_panel=_SUBTITLES,
    ),
]
SubtitleBudget = Annotated[
    int | None,
    typer.Option(
        "--subtitle-budget",
        help="Tokens that the subtitles of a film may have; default: all they need.",
        rich_help_panel=_SUBTITLES,
    ),
]

Stream = Annotated[
    bool, typer.Option("--stream", help="Print answers word by word.", rich_help_panel=_ANSWER)
]
Temperature = Annotated[
    float,
    typer.Option("--temperature", help="0 picks the likeliest words, 1 samples.", rich_help_panel=_ANSWER),
]
TopP = Annotated[
    float,
    typer.Option("--top-p", help="Sample from the words that make up this share.", rich_help_panel=_ANSWER),
]
Seed = Annotated[
    int | None, typer.Option("--seed", help="Repeat the same sampling.", rich_help_panel=_ANSWER)
]
MaxNewTokens = Annotated[
    int, typer.Option("--max-new-tokens", help="Longest answer, in tokens.", rich_help_panel=_ANSWER)
]
Stop = Annotated[
    list[str] | None,
    typer.Option(
        "--stop",
        metavar="TEXT",
        help="End an answer before this text; may be repeated.",
        rich_help_panel=_ANSWER,
    ),
]
