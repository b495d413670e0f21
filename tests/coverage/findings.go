package main

import (
	"math/rand/v2"

	"github.com/loanops/loanops/internal/performance"
)

// windowSizes are rows with matured labels, or rows that an estimate is made on.
var windowSizes = []int{100, 1000, 10_000}

// decay is what became of the applicants, or of their outcomes, in the window.
type decay struct {
	name                   string
	none                   bool // there is nothing to find
	shift, weaker, riskier float64
	ties                   bool
}

var decays = []decay{
	{name: "none", none: true},
	{name: "none, scores of two digits", none: true, ties: true},
	{name: "none, two of three features up by 0.2 standard deviations", none: true, shift: 0.2},
	{name: "weights 0.8 times as large: AUC about 0.04 lower", weaker: 0.2},
	{name: "weights 0.6 times as large: AUC about 0.09 lower", weaker: 0.4},
	{name: "log-odds 0.2 higher: calibration alone", riskier: 0.2},
	{name: "log-odds 0.5 higher: calibration alone", riskier: 0.5},
	{name: "log-odds 0.5 lower: calibration alone", riskier: -0.5},
}

// findDecay counts in how many windows decay is found.
func findDecay(at, size, times int) int {
	d := decays[at]
	rng := rand.New(rand.NewPCG(seed, uint64(2<<16|at<<8|size)))
	found := 0
	for range times {
		m := train(rng)
		before := applicants{rng: rng, spread: 1}.draw(reference)
		now := applicants{rng: rng, spread: 1, shift: d.shift, weaker: d.weaker, riskier: d.riskier}.draw(windowSizes[size])
		scoresBefore, scores := m.scores(before), m.scores(now)
		if d.ties {
			scoresBefore, scores = rounded(scoresBefore), rounded(scores)
		}
		change, err := performance.Changed(performance.Reference{Labels: before.y, Scores: scoresBefore},
			performance.Window{Labels: now.y, Scores: scores}, performance.Tolerance{}, performance.Limits{})
		if err == nil && change.Decayed {
			found++
		}
	}
	return found
}

// champion beside three older versions, all of the same noise, which is 0.6 of log-odds, or one of them better than the champion.
type champion struct {
	name        string
	none        bool // no older version is better
	labels      bool // the window's labels have matured
	noise, sure float64
	shift       float64
}

// olderNoise is the noise of the older versions.
const olderNoise = 0.6

var champions = []champion{
	{"as good, on labels", true, true, olderNoise, 1, 0},
	{"as good, estimated", true, false, olderNoise, 1, 0},
	{"as good, estimated, two of three features up by half a standard deviation", true, false, olderNoise, 1, 0.5},
	{"better by 0.03 of AUC, estimated", true, false, 0, 1, 0},
	{"worse by 0.025 of AUC, on labels", false, true, 0.9, 1, 0},
	{"worse by 0.025 of AUC, estimated", false, false, 0.9, 1, 0},
	{"worse by 0.07 of AUC, on labels", false, true, 1.5, 1, 0},
	{"worse by 0.07 of AUC, estimated", false, false, 1.5, 1, 0},
	{"worse by 0.07 of AUC and twice too sure of itself, on labels", false, true, 1.5, 2, 0},
	{"worse by 0.07 of AUC and twice too sure of itself, estimated", false, false, 1.5, 2, 0},
}

// findBetter counts in how many windows an older version is called better.
func findBetter(at, size, times int) int {
	c := champions[at]
	rng := rand.New(rand.NewPCG(seed, uint64(3<<16|at<<8|size)))
	found := 0
	for range times {
		var before drawn // labels need no reference
		if !c.labels {
			before = applicants{rng: rng, spread: 1}.draw(reference)
		}
		now := applicants{rng: rng, spread: 1, shift: c.shift}.draw(windowSizes[size])
		v := performance.Versions{
			Champion:        performance.Version{Name: "4", Scores: noisy(rng, now, c.noise, c.sure), Reference: noisy(rng, before, c.noise, c.sure)},
			ReferenceLabels: before.y,
		}
		for _, name := range []string{"3", "2", "1"} {
			v.Older = append(v.Older, performance.Version{Name: name, Scores: noisy(rng, now, olderNoise, 1), Reference: noisy(rng, before, olderNoise, 1)})
		}
		if c.labels {
			v.Labels = now.y
		}
		standings, err := performance.Compare(v, performance.Limits{})
		if err != nil {
			continue
		}
		for _, s := range standings {
			if s.Better {
				found++
				break
			}
		}
	}
	return found
}
