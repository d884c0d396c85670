# Time metafor on request, so that it takes turns with others on the same data.
# A request is a line "task;repeats"; the answer is a line of JSON: seconds for one and the numbers that are compared.
suppressPackageStartupMessages(library(metafor))
folder <- commandArgs(trailingOnly = TRUE)[1]
data_of <- function(name) read.csv(file.path(folder, paste0(name, ".csv")))
one <- data_of("one")
large <- data_of("large")
regression <- data_of("regression")
tables <- data_of("tables")
measured <- tables[rep_len(seq_len(nrow(tables)), 1000000), ]
many <- split(data_of("many"), data_of("many")$analysis)

pool <- function(rows, method) {
  made <- rma(rows$yi, rows$vi, method = method)
  c(coef(made), made$se, made$tau2)
}
# Where its iteration does not converge metafor stops with an error; the time counts all the same.
loop <- function(method) vapply(many, function(rows) tryCatch(pool(rows, method)[1], error = function(e) NA_real_), 0)
tasks <- list(
  "one DL" = function() pool(one, "DL"),
  "one REML" = function() pool(one, "REML"),
  "one PM" = function() pool(one, "PM"),
  "one HK" = function() {
    made <- rma(one$yi, one$vi, method = "REML", test = "knha")
    c(coef(made), made$ci.lb, made$ci.ub)
  },
  "one QP" = function() confint(rma(one$yi, one$vi, method = "DL"))$random["tau^2", 2:3],
  "tables MH" = function() {
    made <- rma.mh(measure = "RR", ai = tables$events_1, n1i = tables$n_1, ci = tables$events_2, n2i = tables$n_2)
    c(coef(made), made$se)
  },
  "log RR" = function() {
    made <- escalc("RR", ai = measured$events_1, n1i = measured$n_1, ci = measured$events_2, n2i = measured$n_2)
    c(made$yi[1:50], made$vi[1:50])
  },
  "large DL" = function() pool(large, "DL"),
  "regression REML" = function() coef(rma(yi, vi, mods = ~ a + b, data = regression, method = "REML")),
  "leave-one-out DL" = function() leave1out(rma(large$yi, large$vi, method = "DL"))$estimate,
  "many DL" = function() loop("DL"),
  "many REML" = function() loop("REML")
)

requests <- file("stdin", "r")
names_of <- paste0('"', names(tasks), '"', collapse = ", ")
cat(sprintf('{"R": "%s", "metafor": "%s", "tasks": [%s]}\n', getRversion(), packageVersion("metafor"), names_of))
flush(stdout())
while (length(request <- readLines(requests, n = 1)) > 0) {
  words <- strsplit(request, ";")[[1]]
  task <- tasks[[words[1]]]
  repeats <- as.integer(words[2])
  value <- NULL
  seconds <- system.time(for (i in seq_len(repeats)) value <- task(), gcFirst = FALSE)[["elapsed"]]
  shown <- ifelse(is.na(value), "NaN", sprintf("%.17g", value))
  cat(sprintf('{"seconds": %.9g, "values": [%s]}\n', seconds / repeats, paste(shown, collapse = ", ")))
  flush(stdout())
}
