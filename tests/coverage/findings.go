package main

import (
	"math/rand/v2"
	"time"

	"github.com/loanops/loanops/internal/dataset"
	"github.com/loanops/loanops/internal/monitor"
	"github.com/loanops/loanops/internal/pipeline"
)

// windowSizes are rows with matured labels, or rows that an estimate is made on.
var windowSizes = []int{100, 1000, 10_000}

// looks are which ones at a champion they are: each of them has its share of the level.
var looks = []int{1, 10}

// months are those that the rows of a window are of, as many of each; newest is how many of them have what began lately.
const months, newest = 10, 2

// decay is what became of the applicants, or of their outcomes, in the window.
type decay struct {
	name                   string
	none                   bool // there is nothing to find
	shift, weaker, riskier float64
	ties                   bool
	lately                 bool // in the newest months alone
}

var decays = []decay{
	{name: "none", none: true},
	{name: "none, scores of two digits", none: true, ties: true},
	{name: "none, two of three features up by 0.2 standard deviations", none: true, shift: 0.2},
	{name: "weights 0.8 times as large: AUC about 0.04 lower", weaker: 0.2},
	{name: "weights 0.6 times as large: AUC about 0.09 lower", weaker: 0.4},
	{name: "the same in the last 2 of 10 months", weaker: 0.4, lately: true},
	{name: "log-odds 0.2 higher: calibration alone", riskier: 0.2},
	{name: "log-odds 0.5 higher: calibration alone", riskier: 0.5},
	{name: "the same in the last 2 of 10 months, log-odds 0.5 higher", riskier: 0.5, lately: true},
	{name: "log-odds 0.5 lower: calibration alone", riskier: -0.5},
}

// findDecay counts in how many windows a look finds decay, by looks.
func findDecay(at, size, times int) []int {
	d := decays[at]
	rng := rand.New(rand.NewPCG(seed, uint64(2<<16|at<<8|size)))
	found := make([]int, len(looks))
	for range times {
		m := train(rng)
		before := applicants{rng: rng, spread: 1}.draw(reference)
		now := d.window(rng, windowSizes[size])
		scoresBefore, scores := m.scores(before), m.scores(now)
		if d.ties {
			scoresBefore, scores = rounded(scoresBefore), rounded(scores)
		}
		of := monitor.Observed{
			Versions:  numbered(1),
			Reference: scored(before.y, scoresBefore), Outcomes: overMonths(scored(now.y, scores)), Fresh: scored(nil, nil),
		}
		count(found, func(nth int) bool { return len(look(of, nth).Findings(defaults)) > 0 })
	}
	return found
}

// count adds one for each of the looks that finds something. What one does not find no later one would, which has less of the level.
func count(found []int, finds func(nth int) bool) {
	for i, nth := range looks {
		if !finds(nth) {
			return
		}
		found[i]++
	}
}

// window draws the rows of a window, the oldest first.
func (d decay) window(rng *rand.Rand, n int) drawn {
	calm := 0
	if d.lately {
		calm = n - n*newest/months
	}
	before := applicants{rng: rng, spread: 1}.draw(calm)
	now := applicants{rng: rng, spread: 1, shift: d.shift, weaker: d.weaker, riskier: d.riskier}.draw(n - calm)
	return drawn{append(before.x, now.x...), append(before.y, now.y...)}
}

// defaults are what a monitor looks by whose spec says nothing of it.
var defaults = pipeline.DefaultMonitor()

// look is one of some windows, as the platform looks at them.
func look(of monitor.Observed, nth int) monitor.Performance {
	of.Nth = nth
	p, err := monitor.Measure(of, defaults)
	if err != nil {
		panic(err)
	}
	return p
}

// numbered are versions, the champion first.
func numbered(numbers ...int) []monitor.Version {
	all := make([]monitor.Version, len(numbers))
	for i, n := range numbers {
		all[i].Version = n
	}
	return all
}

// scored are rows with the scores of each version, all of which are approved.
func scored(labels []float64, scores ...[]float64) monitor.Scored {
	s := monitor.Scored{Labels: labels, Scores: scores, Approved: make([]bool, len(scores[0]))}
	for i := range s.Approved {
		s.Approved[i] = true
	}
	return s
}

// overMonths gives rows their days, the oldest first.
func overMonths(s monitor.Scored) monitor.Scored {
	s.Days = make([]float64, len(s.Approved))
	for i := range s.Days {
		s.Days[i] = dataset.Day(time.Date(2026, time.Month(1+i*months/len(s.Days)), 15, 0, 0, 0, 0, time.UTC))
	}
	return s
}

// champion beside three older versions, all of the same noise, which is 0.6 of log-odds, or one of them better than the champion.
type champion struct {
	name        string
	none        bool // no older version is better
	labels      bool // the window's labels have matured
	noise, sure float64
	shift       float64
	lately      bool // in the newest months alone: before it was as good
}

// olderNoise is the noise of the older versions.
const olderNoise = 0.6

var champions = []champion{
	{name: "as good, on labels", none: true, labels: true, noise: olderNoise, sure: 1},
	{name: "as good, estimated", none: true, noise: olderNoise, sure: 1},
	{name: "as good, estimated, two of three features up by half a standard deviation", none: true, noise: olderNoise, sure: 1, shift: 0.5},
	{name: "better by 0.03 of AUC, estimated", none: true, sure: 1},
	{name: "worse by 0.025 of AUC, on labels", labels: true, noise: 0.9, sure: 1},
	{name: "worse by 0.025 of AUC, estimated", noise: 0.9, sure: 1},
	{name: "worse by 0.07 of AUC, on labels", labels: true, noise: 1.5, sure: 1},
	{name: "worse by 0.07 of AUC, estimated", noise: 1.5, sure: 1},
	{name: "worse by 0.07 of AUC in the last 2 of 10 months, on labels", labels: true, noise: 1.5, sure: 1, lately: true},
	{name: "worse by 0.07 of AUC and twice too sure of itself, on labels", labels: true, noise: 1.5, sure: 2},
	{name: "worse by 0.07 of AUC and twice too sure of itself, estimated", noise: 1.5, sure: 2},
}

// findBetter counts in how many windows a look would go back to an older version, by looks.
func findBetter(at, size, times int) []int {
	c := champions[at]
	rng := rand.New(rand.NewPCG(seed, uint64(3<<16|at<<8|size)))
	found := make([]int, len(looks))
	for range times {
		before := applicants{rng: rng, spread: 1}.draw(reference)
		now := applicants{rng: rng, spread: 1, shift: c.shift}.draw(windowSizes[size])
		of := monitor.Observed{Versions: numbered(4, 3, 2, 1)}
		scoresBefore, scores := c.scores(rng, before, now)
		of.Reference = scored(before.y, versions(rng, before, scoresBefore)...)
		if known, others := versions(rng, now, scores), [][]float64{{}, {}, {}, {}}; c.labels {
			of.Outcomes, of.Fresh = overMonths(scored(now.y, known...)), scored(nil, others...)
		} else {
			of.Outcomes, of.Fresh = scored(nil, others...), scored(nil, known...)
		}
		count(found, func(nth int) bool { return look(of, nth).Better() != nil })
	}
	return found
}

// scores are the champion's.
func (c champion) scores(rng *rand.Rand, before, now drawn) (scoresBefore, scores []float64) {
	if !c.lately {
		return noisy(rng, before, c.noise, c.sure), noisy(rng, now, c.noise, c.sure)
	}
	calm := len(now.x) - len(now.x)*newest/months
	good, bad := drawn{x: now.x[:calm]}, drawn{x: now.x[calm:]}
	return noisy(rng, before, olderNoise, 1), append(noisy(rng, good, olderNoise, 1), noisy(rng, bad, c.noise, c.sure)...)
}

// versions are the scores of the champion and of three older ones.
func versions(rng *rand.Rand, d drawn, champion []float64) [][]float64 {
	all := [][]float64{champion}
	for range 3 {
		all = append(all, noisy(rng, d, olderNoise, 1))
	}
	return all
}
