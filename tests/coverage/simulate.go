package main

import (
	"math"
	"math/rand/v2"

	"github.com/loanops/loanops/internal/performance"
	"github.com/loanops/loanops/internal/statistics"
)

// seed of everything that is drawn.
const seed = 20261201

// reference is how many labelled rows the reference has.
const reference = 3000

// counts is how often each cell is simulated; where there is something to find, a fifth as often.
type counts struct {
	covered, findings, versions int
}

// of is the count of a cell.
func of(count int, none bool) int {
	if none {
		return count
	}
	return count / 5
}

// shipped are those that the tables in docs rest on.
var shipped = counts{covered: 1000, findings: 200, versions: 100}

// metrics whose intervals are looked at.
var metrics = []string{"auc", "brier", "log_loss", "accuracy", "positive_rate"}

// situation is what happened to the applicants since the reference, and what the reference is.
type situation struct {
	name          string
	shift, spread float64
	bend, noise   float64 // how wrong the model is
	reference     int
	selective     bool // labels are of approved applicants alone
	beyond        bool // the assumption does not hold, and no coverage is aimed at
}

var situations = []situation{
	{name: "no shift", spread: 1, reference: reference},
	{name: "two of three features up by half a standard deviation", shift: 0.5, spread: 1, reference: reference},
	{name: "the same, by one standard deviation", shift: 1, spread: 1, reference: reference},
	{name: "all features spread by 0.7 times as much", spread: 0.7, reference: reference},
	{name: "up by half a standard deviation, a reference of 1,000 rows", shift: 0.5, spread: 1, reference: 1000},
	{name: "up by half a standard deviation, model mildly wrong", shift: 0.5, spread: 1, bend: 0.1, reference: reference},
	{name: "up by half a standard deviation, model clearly wrong", shift: 0.5, spread: 1, bend: 0.3, reference: reference, beyond: true},
	{name: "up by half a standard deviation, scores with noise", shift: 0.5, spread: 1, noise: 0.5, reference: reference, beyond: true},
	{name: "up by half a standard deviation, only the approved have labels", shift: 0.5, spread: 1, reference: reference, selective: true},
}

var freshSizes = []int{1000, 10_000}

// cover counts in how many of the simulated windows the interval of each metric holds what the labels showed, and how wide it is on average.
func cover(at, size, times int) (held []int, width []float64) {
	s, n := situations[at], freshSizes[size]
	rng := rand.New(rand.NewPCG(seed, uint64(1<<16|at<<8|size)))
	held, width = make([]int, len(metrics)), make([]float64, len(metrics))
	for range times {
		m := train(rng)
		before := applicants{rng: rng, bend: s.bend, spread: 1}.draw(s.reference)
		now := applicants{rng: rng, bend: s.bend, shift: s.shift, spread: s.spread}.draw(n)
		scoresBefore, scores := m.scores(before), m.scores(now)
		if s.noise > 0 {
			scoresBefore, scores = noisy(rng, before, s.noise, sureness), noisy(rng, now, s.noise, sureness)
		}
		var approved []bool
		if s.selective {
			approved = approve(scores)
			for i, taken := range approve(scoresBefore) {
				if !taken {
					before.y[i] = math.NaN()
				}
			}
		}
		estimated, err := performance.Estimate(performance.Reference{Labels: before.y, Scores: scoresBefore, Approved: s.selective}, scores, approved, performance.Limits{})
		if err != nil || estimated.Metrics == nil {
			continue // counted as not held
		}
		shown := realised(labelled(now.y, approved), labelled(scores, approved))
		for i, name := range metrics {
			interval := estimated.Metrics[name]
			if interval.Lower <= shown[name] && shown[name] <= interval.Upper {
				held[i]++
			}
			width[i] += (interval.Upper - interval.Lower) / float64(times)
		}
	}
	return held, width
}

// cutoff is the score from which on applicants are declined.
const cutoff = 0.35

func approve(scores []float64) []bool {
	taken := make([]bool, len(scores))
	for i, p := range scores {
		taken[i] = p < cutoff
	}
	return taken
}

// labelled are the values of rows that get a label; nil: all do.
func labelled(values []float64, approved []bool) (kept []float64) {
	if approved == nil {
		return values
	}
	for i, taken := range approved {
		if taken {
			kept = append(kept, values[i])
		}
	}
	return kept
}

// realised is what the labels show.
func realised(y, p []float64) map[string]float64 {
	shown := map[string]float64{}
	n := float64(len(y))
	var positive, ranks float64
	for i, rank := range statistics.MidRanks(p) {
		q := p[i]
		right := 0.0
		if y[i] == 1 {
			positive++
			ranks += rank
		} else {
			q = 1 - q
		}
		if (p[i] >= 0.5) == (y[i] == 1) {
			right = 1
		}
		shown["brier"] += (1 - q) * (1 - q) / n
		shown["log_loss"] -= math.Log(q) / n
		shown["accuracy"] += right / n
	}
	shown["auc"] = (ranks - positive*(positive+1)/2) / (positive * (n - positive))
	shown["positive_rate"] = positive / n
	return shown
}
