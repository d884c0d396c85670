# Make the calls of expected.json with the meta and metasens of this machine, and say which numbers differ.
#
#   Rscript generate.R
#
# NOT RUN by the authors of this file: the results in expected.json are taken from a recording of meta 8.4 and metasens
# 1.5 by `python -m evisynth_validation.meta.generate`, because those packages could not be installed beside the project.
# This script is for whoever has them. It needs meta, metasens and jsonlite.

suppressPackageStartupMessages({
  library(meta)
  library(metasens)
  library(jsonlite)
})

file_argument <- grep("^--file=", commandArgs(), value = TRUE)
folder <- dirname(normalizePath(sub("^--file=", "", file_argument)))
stored <- fromJSON(file.path(folder, "expected.json"), simplifyVector = FALSE)
column <- function(values) vapply(values, function(x) if (is.null(x)) NA_real_ else as.numeric(x), 0)

# The names that the calls use, beside those of the file.
aliases <- list(
  events_1 = c("tpos", "x1i", "event.e", "ai"), events_2 = c("cpos", "x2i", "event.c", "ci"),
  n_1 = c("n1i", "n.e"), n_2 = c("n2i", "n.c"), mean_1 = "m1i", sd_1 = "sd1i", mean_2 = "m2i", sd_2 = "sd2i",
  time_1 = "t1i", time_2 = "t2i", events = c("cases", "x1i"), n = c("total", "ni", "n1i"), time = "t1i", r = "ri",
  mean = "m1i", sd = "sd1i", yi = "yi", vi = "vi"
)
data_of <- function(name) {
  columns <- lapply(stored$data[[name]], column)
  for (ours in names(columns)) for (theirs in aliases[[ours]]) columns[[theirs]] <- columns[[ours]]
  # metabin takes all of an arm; calls that give non-events add them up.
  if (!is.null(columns$n_1) && !is.null(columns$events_1)) {
    columns$tneg <- columns$n_1 - columns$events_1
    columns$cneg <- columns$n_2 - columns$events_2
  }
  as.data.frame(columns)
}

compared <- differs <- failed <- 0
for (case in stored$cases) {
  place <- new.env(parent = globalenv())
  if (!is.null(case$data)) place$dat <- data_of(case$data)
  made <- tryCatch(suppressWarnings(eval(parse(text = case$call), place)), error = conditionMessage)
  if (is.character(made)) {
    failed <- failed + 1
    cat(case$id, ": ", made, "\n", sep = "")
    next
  }
  for (name in names(case$results)) {
    theirs <- made[[gsub("_", ".", name)]]
    if (is.null(theirs)) theirs <- made[[name]]
    expected <- suppressWarnings(column(as.list(case$results[[name]])))
    if (!is.numeric(theirs) || length(theirs) != length(expected)) next
    compared <- compared + 1
    if (!isTRUE(all.equal(as.numeric(theirs), expected, tolerance = 1e-6))) {
      differs <- differs + 1
      cat(case$id, " ", name, ": ", theirs[1], ", not ", expected[1], "\n", sep = "")
    }
  }
}
cat(compared, "numbers compared,", differs, "differ;", failed, "calls failed\n")
