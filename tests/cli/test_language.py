"""`wellspring language`: commands on models made up for the test, with and without the training extra."""

import json
from pathlib import Path

import msgspec
import pytest

from tests.cli.conftest import Run
from tests.language import made
from wellspring.app import make_edge
from wellspring.cli import checks_machine, language
from wellspring.cli.errors import CorpusWrong, FileRefused, FileThere, ModelsMissing, NoTrainingExtra
from wellspring.cli.language import Reader
from wellspring.kernel.crypto import Keyring
from wellspring.kernel.settings import Settings
from wellspring.language import corpus, model
from wellspring.language.light import Meta
from wellspring.language.pool import READERS
from wellspring.language.training import taught
from wellspring.language.training.run import held

OWN = """# kind=short label=d category=explicit voice=a place=chat
I want to kill myself
i want to die tonight
I am going to end my life
no more of this, i will kill myself
I cannot stop thinking about suicide
# kind=short label=- category=work voice=b place=chat
The meeting took three hours and nobody brought biscuits
Fixed the printer, ruined the shirt
Boss is away, so the office smells of toast
New chairs. My back approves.
Payday, finally
"""


@pytest.fixture
def models(tmp_path: Path) -> Path:
    return made.folder(tmp_path / "models")


@pytest.fixture
def own(tmp_path: Path) -> Path:
    path = tmp_path / "own.txt"
    path.write_text(OWN, "utf-8")
    return path


def test_score_answers_each_line_in_order(run: Run, models: Path) -> None:
    rows = ['{"id": "a", "text": "I want to kill myself"}', "rubbish", "", '{"id": "b", "text": "Nice day"}']
    done = run("language", "score", "--models", str(models), input="\n".join(rows))
    assert done.exit_code == 0
    first, bad, last = (json.loads(line) for line in done.stdout.splitlines())
    assert (first["id"], first["level"], first["tier"]) == ("a", "critical", 3)
    assert 0 <= first["crisis"] <= 1
    assert sum(first["emotions"].values()) == pytest.approx(1, abs=1e-4)
    assert first["versions"]["light"] == "t1"
    assert set(bad) == {"id", "error"}
    assert last["id"] == "b"


def test_score_reads_and_writes_files(run: Run, models: Path, tmp_path: Path) -> None:
    source, out = tmp_path / "in.jsonl", tmp_path / "out.jsonl"
    source.write_text("".join(f'{{"id": {n}, "text": "text {n}"}}\n' for n in range(300)), "utf-8")
    assert run("language", "score", str(source), "--out", str(out), "--models", str(models)).exit_code == 0
    assert [json.loads(line)["id"] for line in out.read_text("utf-8").splitlines()] == list(range(300))
    assert isinstance(run("language", "score", str(tmp_path / "none.jsonl")).exception, CorpusWrong)


def test_what_is_read_is_not_written_over(run: Run, models: Path, tmp_path: Path) -> None:
    source, link = tmp_path / "in.jsonl", tmp_path / "link.jsonl"
    source.write_text('{"id": 1, "text": "soup"}\n', "utf-8")
    link.symlink_to(source)
    for out in (source, link):
        done = run("language", "score", str(source), "--out", str(out), "--models", str(models))
        assert isinstance(done.exception, FileRefused)
    assert source.read_text("utf-8") == '{"id": 1, "text": "soup"}\n'


def test_a_byte_order_mark_is_no_error(run: Run, models: Path, tmp_path: Path) -> None:
    source = tmp_path / "in.jsonl"
    source.write_text('{"id": 1, "text": "soup"}\n{"id": 2, "text": "tea"}\n', "utf-8-sig")
    done = run("language", "score", str(source), "--models", str(models))
    assert ["error" in json.loads(line) for line in done.stdout.splitlines()] == [False, False]


def test_models_in_a_folder_named_shipped_are_a_column_of_their_own(
    run: Run, models: Path, own: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(model, "shipped", lambda: None)
    named = models.rename(models.with_name("shipped"))
    done = run("language", "evaluate", "--data", str(own), "--models", str(named), "--json")
    (both,) = json.loads(done.stdout).values()
    assert set(both) == {"shipped", str(named)}


def test_without_models_the_rules_answer_and_say_so(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(model, "shipped", lambda: None)
    done = run("language", "score", input='{"id": 1, "text": "I want to kill myself"}\n')
    found = json.loads(done.stdout)
    assert (found["level"], found["crisis"]) == ("critical", None)
    assert "No models are installed" in done.stderr
    assert isinstance(run("language", "card").exception, ModelsMissing)


def test_broken_models_are_named(run: Run, models: Path) -> None:
    (models / "light.npz").write_bytes(b"not a model")
    done = run("language", "score", "--models", str(models), input="")
    assert isinstance(done.exception, ModelsMissing)
    assert str(models) in str(done.exception)
    assert isinstance(run("language", "score", "--models", str(models / "no"), input="").exception, ModelsMissing)


def test_models_of_an_operators_own_are_used_or_refused_at_the_start(
    run: Run, models: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A process that reads with other models than its operator named would be worse than one that does not start."""
    ring = Keyring(root=b"r" * 32, keks={1: b"k" * 32})
    settings = Settings(environment="test", models=models, data=tmp_path)
    readers = make_edge(settings, ring, "postgresql://localhost/x").ports[READERS]
    assert readers.lightly("a fine day").versions["combine"] == "t2"
    (models / "combine.json").write_bytes(b"{}")
    monkeypatch.setenv("WELLSPRING_MODELS", str(models))
    monkeypatch.setenv("DATABASE_URL", "postgresql://localhost/x")
    for command in ("serve", "web", "worker"):
        done = run(command)
        assert isinstance(done.exception, ModelsMissing), command
        assert str(models) in str(done.exception)


def test_the_doctor_opens_the_models(models: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    look = {check.code: check for check in checks_machine.CHECKS}["WS008"].look
    assert look(Settings(models=models)).state == "warning"  # no encoder
    (models / "encoder.onnx").write_bytes(b"no graph")
    found = look(Settings(models=models))
    assert (found.state, str(models) in found.words) == ("failed", True)
    assert look(Settings(models=models / "no")).state == "failed"
    assert look(Settings()).state == "ok"
    monkeypatch.setattr(model, "shipped", lambda: None)
    assert look(Settings()).state == "warning"


def test_evaluate_compares_with_what_ships(run: Run, models: Path, own: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(model, "shipped", lambda: None)
    done = run("language", "evaluate", "--data", str(own), "--models", str(models))
    assert done.exit_code == 0, done.exception
    assert "|  | texts | shipped | models |" in done.stdout
    assert "| found (above mentioned) | 5 | 1.000" in done.stdout
    found = json.loads(run("language", "evaluate", "--data", str(own), "--models", str(models), "--json").stdout)
    (both,) = found.values()
    assert set(both) == {"shipped", "models"}
    assert both["models"]["versions"]["combine"] == "t2"


def test_evaluate_compares_two_folders_of_ones_own(
    run: Run, models: Path, own: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who has switched once wants to know whether the next is better than the one in use."""
    monkeypatch.setattr(model, "shipped", lambda: None)
    newer = made.folder(tmp_path / "newer")
    options = ("--data", str(own), "--models", str(models), "--models", str(newer))
    done = run("language", "evaluate", *options)
    assert done.exit_code == 0, done.exception
    assert "|  | texts | shipped | models | models, change | newer | newer, change |" in done.stdout
    assert "| found (above mentioned) | 5 | 1.000 (1.000 to 1.000) | 1.000" in done.stdout
    assert "+0.000 (+0.000 to +0.000) |\n" in done.stdout, "the same weights twice"
    assert "--held leaves those out" in done.stderr
    (all_three,) = json.loads(run("language", "evaluate", *options, "--json").stdout).values()
    assert list(all_three) == ["shipped", "models", "newer"]
    assert [bool(one["changes"]) for one in all_three.values()] == [False, True, True]


def test_models_can_be_judged_on_voices_that_none_learned_from(
    run: Run, models: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same file is given to train and to evaluate; what train learned from would flatter the new models."""
    monkeypatch.setattr(model, "shipped", lambda: None)
    path = tmp_path / "mine.jsonl"
    rows = [{"text": f"The bus was late, day {n}", "label": "-", "voice": str(n)} for n in range(200)]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    kept = [text for text in corpus.load(path) if held(text.group)]
    assert 5 < len(kept) < 60
    done = run("language", "evaluate", "--data", str(path), "--held", "--models", str(models))
    assert f"# {len(kept)} texts\n" in done.stdout
    assert "--held leaves" not in done.stderr
    path.write_text("".join(json.dumps(row) + "\n" for row in rows if not held(f"mine/{row['voice']}")), "utf-8")
    for options in (("--data", str(path)), ()):
        assert isinstance(run("language", "evaluate", "--held", *options).exception, CorpusWrong)


def test_too_few_texts_for_a_figure_are_said_to_be_too_few(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(model, "shipped", lambda: None)
    path = tmp_path / "few.jsonl"
    path.write_text('{"text": "The bus was late", "label": "-"}\n', "utf-8")
    done = run("language", "evaluate", "--data", str(path))
    assert done.exit_code == 0
    assert "1 texts: too few for any figure" in done.stderr


def test_evaluate_names_what_is_wrong_with_texts(run: Run, tmp_path: Path) -> None:
    (tmp_path / "bad.txt").write_text("no header\n", "utf-8")
    assert "bad.txt:1" in str(run("language", "evaluate", "--data", str(tmp_path / "bad.txt")).exception)
    (tmp_path / "empty").mkdir()
    for name in ("empty", "none.txt"):
        assert isinstance(run("language", "evaluate", "--data", str(tmp_path / name)).exception, CorpusWrong)


def test_card_is_complete(run: Run, models: Path, own: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kept = next(str(n) for n in range(1000) if held(f"x/{n}"))
    about = corpus.Text(
        id="f", text="The food was cold.", kind="feedback", topics=("food",), urgency="low", voice=kept, hand="x"
    )
    monkeypatch.setattr(language.corpus, "shipped", lambda *, sealed=False: corpus.load(own) if sealed else [about] * 9)
    out = tmp_path / "card.md"
    assert run("language", "card", "--models", str(models), "--out", str(out)).exit_code == 0
    card = out.read_text("utf-8")
    for part in (
        "What it must not be used for",
        "## Data",
        "Calibration",
        "Known failures",
        "sha256",
        "| short d en | 7 |",
    ):
        assert part in card
    assert "false alarms per 1,000 ordinary" in card
    assert "by category" in card
    assert "Found, by category" in card
    assert "light t1" in card
    assert "**These models were trained here**" in card
    assert "`light.npz` was trained here, `encoder.onnx` is missing. What" in card
    assert "## Feedback (voices held out in training)\n\n9 texts." in card
    assert "| topics, micro-F1 | 9 |" in card


def test_train_says_how_to_install_its_extra(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(language, "_TRAINING", "not_installed")
    done = run("language", "train", "--out", str(tmp_path), "--only", "light")
    assert isinstance(done.exception, NoTrainingExtra)
    assert 'pip install "wellspring[training]"' in str(done.exception)
    assert "Missing: not_installed." in str(done.exception)


class Stub:
    """Stands for the modules of training: remembers what they were given, writes what they would write."""

    def __init__(self) -> None:
        self.trained: list[str] = []
        self.combined: list[str] = []
        self.breaks: BaseException | None = None

    def held(self, group: str) -> bool:
        return group == "own/b"

    def ordinary(self, path: Path | None) -> tuple[dict[str, list[object]], list[str]]:
        assert path is None
        return {}, []

    def train(self, texts: list[corpus.Text], shared: list[object], out: Path, tell: object) -> Meta:
        self.trained = [text.text for text in texts]
        made.write(out / "light.npz")
        return made.META

    def combine(self, texts: list[corpus.Text], path: Path | None, folder: Path, version: str, tell: object) -> None:
        self.combined = [text.text for text in texts]
        assert (folder / "encoder.onnx").read_bytes() == (folder / "tokenizer.json").read_bytes() == b"shipped"
        made.folder(folder)
        if self.breaks is not None:
            raise self.breaks


def test_train_makes_a_whole_folder(
    run: Run, own: Path, models: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sealed = corpus.load(own)[0]
    for name in ("encoder.onnx", "tokenizer.json"):
        (models / name).write_bytes(b"shipped")
    stub = Stub()
    monkeypatch.setattr(language, "_part", lambda name: stub)
    monkeypatch.setattr(language, "MODELS", models)
    monkeypatch.setattr(language.corpus, "shipped", lambda *, sealed=False, known=sealed: [known] if sealed else [])
    done = run("language", "train", "--out", str(tmp_path / "new"), "--only", "light", "--data", str(own))
    assert done.exit_code == 0, done.exception
    assert "1 texts are in the sealed set and were left out." in done.stderr
    assert f"--data {own} --held" in done.stdout
    assert "expect more false alarms" in done.stderr
    assert len(stub.combined) == 9
    assert stub.trained == stub.combined[:4], "a voice held out is for combining only"
    assert Reader(tmp_path / "new", light=True)("Nice day").versions["light"] == "t1"


@pytest.fixture
def stub(models: Path, monkeypatch: pytest.MonkeyPatch) -> Stub:
    """What trains, with models that ship."""
    for name in ("encoder.onnx", "tokenizer.json"):
        (models / name).write_bytes(b"shipped")
    stands = Stub()
    monkeypatch.setattr(language, "_part", lambda name: stands)
    monkeypatch.setattr(language, "MODELS", models)
    monkeypatch.setattr(language.corpus, "shipped", lambda *, sealed=False: [])
    return stands


@pytest.mark.parametrize("error", [KeyboardInterrupt(), ValueError("no fit")], ids=["stopped", "failed"])
def test_a_training_that_does_not_end_leaves_a_folder_as_it_was(
    run: Run, own: Path, stub: Stub, tmp_path: Path, error: BaseException
) -> None:
    """It may be the folder that a running installation reads with."""
    used = made.folder(tmp_path / "used")
    before = {path.name: path.read_bytes() for path in used.iterdir()}
    stub.breaks = error
    for out in (used, tmp_path / "new"):
        done = run("language", "train", "--out", str(out), "--only", "light", "--data", str(own))
        assert done.exit_code != 0
    assert stub.combined
    assert {path.name: path.read_bytes() for path in used.iterdir()} == before
    assert not (tmp_path / "new").exists()


def test_a_folder_for_models_that_cannot_be_made_is_named_before_the_work(
    run: Run, own: Path, stub: Stub, tmp_path: Path
) -> None:
    (tmp_path / "left" / ".part").mkdir(parents=True)
    for out, refusal in ((own, FileRefused), (own / "in", FileRefused), (tmp_path / "left", FileThere)):
        done = run("language", "train", "--out", str(out), "--only", "light")
        assert isinstance(done.exception, refusal), done.exception
        assert str(out) in str(done.exception)
    assert not stub.combined


def test_a_body_that_is_none_is_refused_before_the_work(run: Run, stub: Stub, tmp_path: Path) -> None:
    options = ("--body", str(tmp_path / "no"), "--emotion-data", str(tmp_path))
    done = run("language", "train", "--out", str(tmp_path / "out"), *options)
    assert isinstance(done.exception, ModelsMissing)
    assert "config.json" in str(done.exception)


@pytest.mark.parametrize("command", ["train", "evaluate", "card"])
def test_emotion_data_that_are_none_are_refused(
    run: Run, own: Path, stub: Stub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    def read(path: Path) -> None:
        raise ValueError("no magic bytes")  # as pyarrow's errors are

    stub.ordinary = stub.aside = read  # type: ignore[method-assign, assignment, attr-defined]
    monkeypatch.setattr(language, "_texts", lambda data: corpus.load(own))
    monkeypatch.setattr(language, "refuse_no_encoder", lambda models: None)
    monkeypatch.setattr(model, "shipped", lambda: None)
    options = {
        "train": ("--out", str(tmp_path / "out"), "--only", "light"),
        "evaluate": ("--light",),
        "card": ("--models", str(made.folder(tmp_path / "plain"))),
    }[command]
    done = run("language", command, *options, "--emotion-data", str(own))
    assert isinstance(done.exception, CorpusWrong), done.exception
    assert "own.txt: no magic bytes" in str(done.exception)
    assert not (tmp_path / "out").exists()


def test_a_card_that_is_stopped_leaves_no_file(
    run: Run, models: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stopped(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(language, "evaluated", stopped)
    done = run("language", "card", "--models", str(models), "--out", str(tmp_path / "card.md"))
    assert done.exit_code == 130
    assert not (tmp_path / "card.md").exists()


def test_models_of_two_trainings_in_one_folder_are_refused(
    run: Run, models: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Thresholds are right for the weights that they were chosen for, and for no others."""
    file = models / "combine.json"
    settings = msgspec.json.decode(file.read_bytes(), type=model.Settings)
    fitted = msgspec.structs.replace(settings, files={"light.npz": model.sha256(models / "light.npz")})
    file.write_bytes(msgspec.json.encode(fitted))
    score = ("language", "score", "--models", str(models))
    assert run(*score, input="").exit_code == 0
    made.write(models / "light.npz", meta=msgspec.structs.replace(made.META, version="t9"))
    done = run(*score, input="")
    assert isinstance(done.exception, ModelsMissing)
    assert "light.npz is not the one" in str(done.exception)
    monkeypatch.setenv("WELLSPRING_MODELS", str(models))
    assert isinstance(run("serve").exception, ModelsMissing)


def test_an_encoder_that_does_not_load_is_refused(run: Run, models: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (models / "encoder.onnx").write_bytes(b"no graph")
    for command in ("score", "evaluate"):
        done = run("language", command, "--models", str(models), input='{"id": 1, "text": "soup"}\n')
        assert isinstance(done.exception, ModelsMissing), done.exception
        assert "the encoder does not load" in str(done.exception)
    monkeypatch.setenv("WELLSPRING_MODELS", str(models))
    monkeypatch.setenv("DATABASE_URL", "postgresql://localhost/x")
    for command in ("serve", "web", "worker"):
        assert isinstance(run(command).exception, ModelsMissing), command


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a disk that is full")
def test_a_full_disk_is_named(run: Run, models: Path, tmp_path: Path) -> None:
    source = tmp_path / "in.jsonl"
    source.write_text('{"id": 1, "text": "soup"}\n', "utf-8")
    done = run("language", "score", str(source), "--out", "/dev/full", "--models", str(models))
    assert isinstance(done.exception, FileRefused), done.exception


def test_the_encoder_needs_its_body(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(language, "_part", lambda name: Stub())
    assert "--body" in str(run("language", "train", "--out", str(tmp_path)).exception)


def test_a_run_goes_on_from_a_checkpoint_that_is_there(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(language, "_part", lambda name: Stub())
    options = ("--body", str(tmp_path), "--emotion-data", str(tmp_path), "--start", str(tmp_path))
    done = run("language", "train", "--out", str(tmp_path / "out"), *options)
    assert isinstance(done.exception, ModelsMissing)
    assert "encoder.pt" in str(done.exception)


@pytest.mark.parametrize(
    "line", ["", "not JSON", '{"text": "x"}', '{"text": "x", "said": {"crisis": []}}', '{"text": "x", "said": [["a"]]}']
)
def test_what_a_teacher_said_is_read_or_refused(
    run: Run, tmp_path: Path, line: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(language, "_part", lambda name: taught if name == "taught" else Stub())
    said = tmp_path / "said.jsonl"
    said.write_text(line)
    options = ("--body", str(tmp_path), "--emotion-data", str(tmp_path), "--taught", str(said))
    done = run("language", "train", "--out", str(tmp_path / "out"), *options)
    assert isinstance(done.exception, CorpusWrong)
    assert ("line 1" if line else "nothing") in str(done.exception)
    assert not (tmp_path / "out").exists()


def test_a_teacher_needs_a_body(run: Run, tmp_path: Path) -> None:
    options = ("--body", str(tmp_path), "--emotion-data", __file__)
    done = run("language", "teach", "--out", str(tmp_path / "said.jsonl"), *options)
    assert isinstance(done.exception, ModelsMissing)
    assert "config.json" in str(done.exception)


def test_a_teacher_that_could_not_be_written_down_is_not_trained(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stub = Stub()
    monkeypatch.setattr(language, "_part", lambda name: stub)
    (tmp_path / "config.json").touch()
    options = ("--body", str(tmp_path), "--emotion-data", str(tmp_path / "config.json"))
    done = run("language", "teach", "--out", str(tmp_path / "nowhere" / "said.jsonl"), *options)
    assert isinstance(done.exception, FileRefused), "a stub that cannot teach was asked to"


@pytest.mark.parametrize(
    ("option", "refusal"), [("--start", ModelsMissing), ("--keep", FileRefused)], ids=["start", "keep"]
)
def test_a_teacher_starts_from_weights_and_keeps_them_where_it_can(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, option: str, refusal: type[Exception]
) -> None:
    monkeypatch.setattr(language, "_part", lambda name: Stub())
    (tmp_path / "config.json").touch()
    options = ("--body", str(tmp_path), "--emotion-data", str(tmp_path / "config.json"))
    done = run(
        "language", "teach", "--out", str(tmp_path / "said.jsonl"), *options, option, str(tmp_path / "config.json")
    )
    assert isinstance(done.exception, refusal), "a stub that cannot teach was asked to"
    assert "config.json" in str(done.exception)
    assert not (tmp_path / "said.jsonl").exists()


def test_what_is_sealed_is_not_trained_on(own: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    texts = corpus.load(own)
    monkeypatch.setattr(language.corpus, "shipped", lambda *, sealed: texts[:2])
    assert language._without_sealed(texts) == texts[2:]


def test_the_light_option_leaves_the_encoder_out(models: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (models / "encoder.onnx").write_bytes(b"never opened")
    assert "encoder" not in Reader(models, light=True)("Nice day").versions
