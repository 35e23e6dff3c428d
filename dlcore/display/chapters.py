"""What the book knows about its twenty chapters."""

from __future__ import annotations

from dataclasses import dataclass

from IPython.display import display

from dlcore.display.style import apply_style


@dataclass(frozen=True)
class Chapter:
    """One chapter of the book, written or not.

    Attributes
    ----------
    number : int
        1 to 20, as in the book.
    title, slug : str
        The book's title, and the name that files are called by.
    part : int
        1, 2 or 3.
    needs : tuple of int
        The chapters whose ideas it uses.
    minutes, seconds : int
        How long it takes a person to read and, at most, a computer to run.
    modules : tuple of str
        The modules of dlcore that it builds.
    question : str
        What it sets out to answer.

    Examples
    --------
    >>> CHAPTERS[1].title, CHAPTERS[1].stem
    ('Linear Algebra', '02_linear_algebra')
    """

    number: int
    title: str
    slug: str
    part: int
    needs: tuple[int, ...]
    minutes: int
    seconds: int
    modules: tuple[str, ...]
    question: str

    @property
    def stem(self) -> str:
        """The name of its notebook and of its exercises, without an ending: "02_linear_algebra"."""
        return f"{self.number:02d}_{self.slug}"

    @property
    def label(self) -> str:
        """What a link to the chapter points at: "chap-02"."""
        return f"chap-{self.number:02d}"


CHAPTERS = (
    Chapter(
        1,
        "Introduction",
        "introduction",
        part=1,
        needs=(),
        minutes=45,
        seconds=30,
        modules=("dlcore.foundations.learning",),
        question=(
            "The same learner fails on the same data at one moment and succeeds at the next: what changed in "
            "between?"
        ),
    ),
    Chapter(
        2,
        "Linear Algebra",
        "linear_algebra",
        part=1,
        needs=(),
        minutes=90,
        seconds=15,
        modules=("dlcore.foundations.linalg",),
        question=(
            "How few numbers can stand for a photograph, and how can we know before trying that fewer will not "
            "do?"
        ),
    ),
    Chapter(
        3,
        "Probability and Information Theory",
        "probability_and_information_theory",
        part=1,
        needs=(2,),
        minutes=120,
        seconds=25,
        modules=("dlcore.foundations.probability",),
        question=(
            "If two models describe the same digits, how many bits does the better one save when the digits are "
            "sent?"
        ),
    ),
    Chapter(
        4,
        "Numerical Computation",
        "numerical_computation",
        part=1,
        needs=(2, 3),
        minutes=120,
        seconds=20,
        modules=("dlcore.foundations.numerics",),
        question=(
            "Why do the same lines of code finish in one step on one version of the data and crawl on another, "
            "and could we have known?"
        ),
    ),
    Chapter(
        5,
        "Machine Learning Basics",
        "machine_learning_basics",
        part=1,
        needs=(2, 3, 4),
        minutes=180,
        seconds=30,
        modules=("dlcore.foundations.learning",),
        question="Must a model that fits every training example exactly be the worst one on new examples?",
    ),
    Chapter(
        6,
        "Deep Feedforward Networks",
        "deep_feedforward_networks",
        part=2,
        needs=(2, 3, 4, 5),
        minutes=150,
        seconds=40,
        modules=(
            "dlcore.networks.autodiff",
            "dlcore.networks.backprop",
            "dlcore.networks.modules",
            "dlcore.networks.losses",
        ),
        question="Two hidden units can compute exclusive or, so why do so many training runs fail to find the weights?",
    ),
    Chapter(
        7,
        "Regularization for Deep Learning",
        "regularization_for_deep_learning",
        part=2,
        needs=(2, 4, 5, 6),
        minutes=120,
        seconds=30,
        modules=("dlcore.networks.regularization",),
        question=(
            "Which of the many ways to regularise a network helps on a few hundred digits, and could we have told "
            "beforehand?"
        ),
    ),
    Chapter(
        8,
        "Optimization for Training Deep Models",
        "optimization_for_training_deep_models",
        part=2,
        needs=(2, 4, 5, 6, 7),
        minutes=150,
        seconds=30,
        modules=("dlcore.networks.optimizers", "dlcore.networks.initialization", "dlcore.networks.training"),
        question=(
            "Why do most choices of first weights and learning rate leave a deep network untrained, and can each "
            "failure be diagnosed before the first epoch?"
        ),
    ),
    Chapter(
        9,
        "Convolutional Networks",
        "convolutional_networks",
        part=2,
        needs=(2, 5, 6, 7, 8),
        minutes=110,
        seconds=60,
        modules=("dlcore.networks.convolution",),
        question=(
            "How can one belief about images make a network read a digit wherever it stands, and leave it unable "
            "to say where that is?"
        ),
    ),
    Chapter(
        10,
        "Sequence Modeling: Recurrent and Recursive Nets",
        "sequence_modeling",
        part=2,
        needs=(3, 4, 6, 8),
        minutes=130,
        seconds=60,
        modules=("dlcore.networks.recurrent", "dlcore.networks.attention"),
        question=(
            "Three threshold units add binary numbers of any length: what does a trained recurrent network lack "
            "when two numbers stand far apart?"
        ),
    ),
    Chapter(
        11,
        "Practical Methodology",
        "practical_methodology",
        part=2,
        needs=(5, 6, 7, 8, 9),
        minutes=100,
        seconds=45,
        modules=("dlcore.networks.methodology",),
        question=(
            "A system reads house numbers, and its network and training stay as they are: what else can change "
            "the share of its answers that we may trust?"
        ),
    ),
    Chapter(
        12,
        "Applications",
        "applications",
        part=2,
        needs=(3, 5, 8, 9, 10, 11),
        minutes=150,
        seconds=60,
        modules=(
            "dlcore.networks.parallel",
            "dlcore.networks.compression",
            "dlcore.networks.vision",
            "dlcore.networks.speech",
            "dlcore.networks.language",
            "dlcore.networks.recommend",
        ),
        question=(
            "How far from perfect is a language model, in a language where the probability of every sentence is "
            "known?"
        ),
    ),
    Chapter(
        13,
        "Linear Factor Models",
        "linear_factor_models",
        part=3,
        needs=(2, 3, 5, 7),
        minutes=75,
        seconds=28,
        modules=("dlcore.generative.factors",),
        question=(
            "When a linear model explains patches of photographs, how much of what it learns comes from the "
            "patches, and how much from what we believed about the causes?"
        ),
    ),
    Chapter(
        14,
        "Autoencoders",
        "autoencoders",
        part=3,
        needs=(5, 6, 7, 8, 13),
        minutes=90,
        seconds=60,
        modules=("dlcore.generative.autoencoders",),
        question="A network learns only to put displaced points back: how does it come to know where the data live?",
    ),
    Chapter(
        15,
        "Representation Learning",
        "representation_learning",
        part=3,
        needs=(5, 6, 7, 8, 13, 14),
        minutes=110,
        seconds=60,
        modules=("dlcore.generative.representation",),
        question="Pictures without labels cost nothing: what do they buy when labels are few?",
    ),
    Chapter(
        16,
        "Structured Probabilistic Models for Deep Learning",
        "structured_probabilistic_models_for_deep_learning",
        part=3,
        needs=(3, 5, 13),
        minutes=100,
        seconds=25,
        modules=("dlcore.generative.graphs",),
        question="How few numbers can hold a probability for every possible picture?",
    ),
    Chapter(
        17,
        "Monte Carlo Methods",
        "monte_carlo_methods",
        part=3,
        needs=(3, 4, 5, 16),
        minutes=55,
        seconds=25,
        modules=("dlcore.generative.sampling",),
        question="An average over many thousands of samples is printed with an error bar: should anyone believe it?",
    ),
    Chapter(
        18,
        "Confronting the Partition Function",
        "confronting_the_partition_function",
        part=3,
        needs=(3, 5, 6, 8, 14, 16, 17),
        minutes=65,
        seconds=28,
        modules=("dlcore.generative.partition",),
        question="A model must make unlikely every place where the data are not: how, if it never visits them?",
    ),
    Chapter(
        19,
        "Approximate Inference",
        "approximate_inference",
        part=3,
        needs=(3, 4, 6, 8, 13, 14, 16, 17),
        minutes=60,
        seconds=28,
        modules=("dlcore.generative.inference",),
        question=(
            "When the bound ends close to the log-likelihood, has inference become exact, or has the model bent "
            "to suit it?"
        ),
    ),
    Chapter(
        20,
        "Deep Generative Models",
        "deep_generative_models",
        part=3,
        needs=(6, 8, 9, 10, 14, 16, 17, 18, 19),
        minutes=150,
        seconds=60,
        modules=("dlcore.generative.boltzmann", "dlcore.generative.directed"),
        question="Many machines have studied the same digits: which of them knows digits best, and who may say so?",
    ),
)


def begin_chapter(number: int) -> None:
    """Draw figures in the book's style from here on, and display what the chapter needs and takes.

    Parameters
    ----------
    number : int
        1 to 20.

    Raises
    ------
    ValueError
        If the book has no such chapter.

    Examples
    --------
    >>> begin_chapter(1)  # doctest: +ELLIPSIS
    {'text/plain': 'Needs nothing but ...
    """
    if not 1 <= number <= len(CHAPTERS):
        raise ValueError(f"the book has chapters 1 to {len(CHAPTERS)}, got {number}")
    apply_style()
    chapter = CHAPTERS[number - 1]
    needs = [CHAPTERS[needed - 1] for needed in chapter.needs]
    links = ", ".join(f"[{needed.number} {needed.title}](#{needed.label})" for needed in needs)
    names = ", ".join(f"{needed.number} {needed.title}" for needed in needs)
    time = f"about {chapter.minutes} minutes to read, at most {chapter.seconds} s to run"
    modules = ", ".join(chapter.modules)
    code = ", ".join(f"`{module}`" for module in chapter.modules)
    nothing = "nothing but school mathematics and some Python"
    display(
        {
            "text/plain": f"Needs {names or nothing}\nTime  {time}\nCode  {modules}",
            "text/markdown": f"**Needs** {links or nothing}  \n**Time** {time}  \n**Code** {code}",
        },
        raw=True,
    )
