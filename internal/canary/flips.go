package canary

import "math"

// expectedFlips is the expected share of flips one way. By says, per bucket, of how many applicants and with which probability they are; Noise is their
// variance per applicant given the scores: small where the score decides who flips.
type expectedFlips struct {
	estimate
	Noise float64
	By    []bucketFlips
}

// bucketFlips is one bucket of expectedFlips.
type bucketFlips struct {
	Applicants  int64
	Probability float64
}

func (f *expectedFlips) add(applicants int64, w, probability, rows float64) {
	f.Mean += w * probability
	// Half an event more keeps a bucket of few rows from looking certain.
	smooth := (probability*rows + 0.5) / (rows + 1)
	f.Variance += w * w * smooth * (1 - smooth) / rows
	f.Noise += w * probability * (1 - probability)
	f.By = append(f.By, bucketFlips{Applicants: applicants, Probability: probability})
}

// tooMany bounds the probability to see so many flips, or more, among n applicants, where beyond the prediction each flips with at most the
// given probability: Chernoff's bound for the sum of independent events that are not alike (1952, doi 10.1214/aoms/1177729330), the
// prediction's own error being a normal one:
//
//	min over t of exp(Σ nᵢ·log(1+pᵢ(eᵗ-1)) + n·log(1+beyond·(eᵗ-1)) + t²·n²·variance/2 - t·flips)
//
// A share within beyond gives 1.
func (f expectedFlips) tooMany(flips, n int64, beyond float64) float64 {
	if share(flips, n) <= f.Mean+beyond {
		return 1
	}
	return f.chernoff(1, float64(flips), n, beyond)
}

// tooFew is the same for so few flips, or fewer, where of n applicants at most the share beyond fails to flip although it was predicted.
func (f expectedFlips) tooFew(flips, n int64, beyond float64) float64 {
	if share(flips, n) >= f.Mean-beyond {
		return 1
	}
	return f.chernoff(-1, float64(flips)+beyond*float64(n), n, 0)
}

// chernoff bounds P(sum ≥ flips) for direction 1, P(sum ≤ flips) for -1, where further flips come with the probability beyond.
func (f expectedFlips) chernoff(direction, flips float64, n int64, beyond float64) float64 {
	applicants := float64(n)
	exponent := func(size float64) float64 {
		t := direction * size
		sum := applicants*logMoment(beyond, t) + t*t*f.Variance*applicants*applicants/2 - t*flips
		for _, b := range f.By {
			sum += float64(b.Applicants) * logMoment(b.Probability, t)
		}
		return sum
	}
	// The exponent is convex, 0 at 0 and falls there. Any t gives a bound.
	return math.Exp(math.Min(0, exponent(minimise(0, 20, exponent))))
}

// logMoment is log(1 + p(eᵗ-1)), the logarithm of the moment generating function of an event, without cancellation at either end.
func logMoment(p, t float64) float64 {
	if t < 0 && p > 0.5 {
		return math.Log(1 - p + p*math.Exp(t))
	}
	return math.Log1p(p * math.Expm1(t))
}
