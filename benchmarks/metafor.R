# Time metafor on request, so that it takes turns with others on the same data.
# A request is a line "job method repeats"; the answer is a line of JSON: seconds per analysis and the first estimate.
suppressPackageStartupMessages(library(metafor))
folder <- commandArgs(trailingOnly = TRUE)[1]
data_of <- function(name) read.csv(file.path(folder, paste0(name, ".csv")))
one <- data_of("one")
large <- data_of("large")
tables <- data_of("tables")
many <- split(data_of("many"), data_of("many")$analysis)

pool <- function(rows, method) coef(rma(rows$yi, rows$vi, method = method))
jobs <- list(
  one = function(method) pool(one, method),
  large = function(method) pool(large, method),
  tables = function(method) {
    coef(rma.mh(measure = "RR", ai = tables$events_1, n1i = tables$n_1, ci = tables$events_2, n2i = tables$n_2))
  },
  # Where its iteration does not converge metafor stops with an error; the time counts all the same.
  many = function(method) vapply(many, function(rows) tryCatch(pool(rows, method), error = function(e) NA_real_), 0)
)

requests <- file("stdin", "r")
cat(sprintf('{"R": "%s", "metafor": "%s"}\n', getRversion(), packageVersion("metafor")))
flush(stdout())
while (length(request <- readLines(requests, n = 1)) > 0) {
  words <- strsplit(request, " ")[[1]]
  job <- jobs[[words[1]]]
  repeats <- as.integer(words[3])
  value <- NULL
  seconds <- system.time(for (i in seq_len(repeats)) value <- job(words[2]), gcFirst = FALSE)[["elapsed"]]
  cat(sprintf('{"seconds": %.9g, "estimate": %.17g}\n', seconds / repeats / length(value), value[[1]]))
  flush(stdout())
}
