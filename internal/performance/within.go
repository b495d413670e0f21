package performance

import (
	"math"
	"slices"

	"gonum.org/v1/gonum/stat/distuv"
)

// minModels is how many models must have scored the same vintages before the loss is told from these.
const minModels = 4

// withinVintages takes the slope from what models of several ages do on the same vintages, and reports whether it could: four vintages that models
// of ages 30 days apart have scored, and four models, are needed. Every vintage has a level of its own then, so that one that is harder for all models, or a
// portfolio that gets harder with time, which no training cures, is not taken for age. Errors are shared by models of one vintage (the rows) and by vintages of
// one model (how well it turned out): the variance is the jackknife's over vintages and the one over models, added, with as many degrees of freedom as there are
// vintages or models, whichever are fewer, less one. With few models that is less exact than its name and errs towards wide intervals.
//
// Sources: two ways of clustering, Cameron, Gelbach & Miller 2011, doi 10.1198/jbes.2010.07136; the jackknife of clusters, Cameron & Miller 2015,
// doi 10.3368/jhr.50.2.317, section VI.B.
func (l *line) withinVintages(points []AgePoint) bool {
	pairs := comparable(points)
	slope, ok := slopeWithin(pairs)
	if !ok {
		return false
	}
	byVintage, vintages := jackknife(pairs, slope, slopeWithin, func(p AgePoint) string { return p.Vintage })
	byModel, models := jackknife(pairs, slope, slopeWithin, func(p AgePoint) string { return p.Model })
	variance := byVintage + byModel
	if vintages < minVintages || models < minModels || !(variance > 0) {
		return false
	}
	l.slope, l.slopeError = slope, math.Sqrt(variance)
	l.student = distuv.StudentsT{Mu: 0, Sigma: 1, Nu: float64(min(vintages, models) - 1)}
	l.quantile = l.student.Quantile(0.975)
	return true
}

// sharedVintages widens the interval of a line through all points where several of them are of one vintage: they err together. The jackknife over
// vintages says by how much, with one degree of freedom fewer than there are vintages.
func (l *line) sharedVintages(points []AgePoint) {
	of := func(p AgePoint) string { return p.Vintage }
	if vintagesOf(points) == len(points) {
		return
	}
	variance, vintages := jackknife(points, l.slope, func(some []AgePoint) (float64, bool) {
		slope := fitLine(some).slope
		return slope, len(some) > 2 && !math.IsNaN(slope)
	}, of)
	l.slopeError = math.Max(l.slopeError, math.Sqrt(variance))
	l.student.Nu = math.Min(l.student.Nu, math.Max(1, float64(vintages-1)))
	l.quantile = l.student.Quantile(0.975)
}

// vintagesOf counts the vintages; a point without the name of one is one of its own.
func vintagesOf(points []AgePoint) (count int) {
	seen := map[string]bool{}
	for _, p := range points {
		if p.Vintage == "" || !seen[p.Vintage] {
			count++
		}
		seen[p.Vintage] = true
	}
	return count
}

// slopeWithin is the regression of performance on age, each vintage with a level of its own; not ok where no vintage has two ages.
func slopeWithin(points []AgePoint) (slope float64, ok bool) {
	ages := centred(points, func(p AgePoint) float64 { return p.AgeDays })
	values := centred(points, func(p AgePoint) float64 { return p.Value })
	var squares, products float64
	for i := range points {
		squares += float64(ages[i] * ages[i])
		products += float64(ages[i] * values[i])
	}
	return products / squares, squares > 0
}

// jackknife is the variance of the slope by leaving out one cluster of points after the other, and how many there are.
func jackknife(points []AgePoint, slope float64, fit func([]AgePoint) (float64, bool), of func(AgePoint) string) (variance float64, clusters int) {
	done := map[string]bool{}
	for _, p := range points {
		name := of(p)
		if done[name] {
			continue
		}
		done[name] = true
		without, ok := fit(slices.DeleteFunc(slices.Clone(points), func(other AgePoint) bool { return of(other) == name }))
		if !ok {
			return math.Inf(1), 0
		}
		variance += float64((without - slope) * (without - slope))
	}
	n := float64(len(done))
	return variance * (n - 1) / n, len(done)
}

// comparable are the points of vintages that models of ages 30 days apart have scored, in their order.
func comparable(points []AgePoint) (pairs []AgePoint) {
	youngest, oldest := map[string]float64{}, map[string]float64{}
	for _, p := range points {
		if age, seen := youngest[p.Vintage]; !seen || p.AgeDays < age {
			youngest[p.Vintage] = p.AgeDays
		}
		oldest[p.Vintage] = max(oldest[p.Vintage], p.AgeDays)
	}
	for _, p := range points {
		if p.Vintage != "" && oldest[p.Vintage]-youngest[p.Vintage] >= 30 {
			pairs = append(pairs, p)
		}
	}
	return pairs
}

// centred is what each point has above the mean of its vintage.
func centred(points []AgePoint, of func(AgePoint) float64) []float64 {
	sums, counts := map[string]float64{}, map[string]float64{}
	for _, p := range points {
		sums[p.Vintage] += of(p)
		counts[p.Vintage]++
	}
	out := make([]float64, len(points))
	for i, p := range points {
		out[i] = of(p) - sums[p.Vintage]/counts[p.Vintage]
	}
	return out
}
