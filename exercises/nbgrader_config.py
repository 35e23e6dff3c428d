"""How nbgrader releases and grades the exercises; read by tools/assignment.py and by `nbgrader` itself."""

from pathlib import Path

c = get_config()  # noqa: F821  (nbgrader provides it)

c.CourseDirectory.root = str(Path(__file__).parent)
c.CourseDirectory.course_id = "deep_learning_executed"

c.ClearSolutions.code_stub = {"python": "# your code here\nraise NotImplementedError"}

c.Execute.timeout = 60  # seconds that one cell of a student's notebook may take
c.Execute.extra_arguments = ["--HistoryManager.hist_file=:memory:", "--log-level=CRITICAL"]  # of the kernel
c.OverwriteCells.add_missing_cells = True  # a test that a student deleted counts all the same

# Feedback: the notebook without the cell of macros, whose tag has to survive until then.
c.ClearMetadataPreprocessor.preserve_cell_metadata_mask = {"nbgrader", "tags"}
c.TagRemovePreprocessor.remove_cell_tags = {"macros"}
c.GenerateFeedback.preprocessors = [
    "nbgrader.preprocessors.GetGrades",
    "nbconvert.preprocessors.TagRemovePreprocessor",
    "nbconvert.preprocessors.CSSHTMLHeaderPreprocessor",
]
