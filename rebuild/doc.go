// Package rebuild runs a stage's recipe again and says whether the result is
// what others claim: plans, trials, variations, results, logs, verdicts.
//
// It knows an engine as an interface only and links no builder; package
// rebuild/engine implements it over BuildKit.
package rebuild
