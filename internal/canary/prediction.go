package canary

import "math"

// Prediction is what a change does to scores and verdicts, found before any traffic by deciding the same rows as champion and as challenger, each
// under its policy. Rows are kept by the champion's score, so that the prediction can be re-weighted to whoever applies. Nil says exactly: the challenger
// decides as the champion does. One without rows knows nothing: neither verdicts nor scores are judged.
type Prediction struct {
	Buckets [ScoreBuckets]PredictedBucket `json:"buckets,omitzero"`
	// Synthetic is the prediction for the platform's own requests, of whose applicants no feature is known; nil where that makes no difference.
	Synthetic *Prediction `json:"synthetic,omitempty"`
}

// synthetic is what is predicted for the platform's own requests.
func (p *Prediction) synthetic() *Prediction {
	if p == nil || p.Synthetic == nil {
		return p
	}
	return p.Synthetic
}

// PredictedBucket is the rows whose champion's score lies in one bucket.
type PredictedBucket struct {
	Rows int64 `json:"rows"`
	// ToApprove rows are declined by the champion and approved by the challenger, ToDecline the reverse.
	ToApprove int64 `json:"to_approve"`
	ToDecline int64 `json:"to_decline"`
	// CanaryScores are the challenger's scores.
	CanaryScores Histogram `json:"canary_scores,omitzero"`
}

// Decided is a row as one side decides it.
type Decided struct {
	Score    float64
	Approved bool
}

// Add counts one row.
func (p *Prediction) Add(stable, canary Decided) {
	b := &p.Buckets[Bucket(stable.Score)]
	b.Rows++
	b.CanaryScores[Bucket(canary.Score)]++
	if canary.Approved && !stable.Approved {
		b.ToApprove++
	}
	if stable.Approved && !canary.Approved {
		b.ToDecline++
	}
}

// expectation is a prediction for applicants with given scores of the champion.
type expectation struct {
	// Approvals is the expected difference of the approval shares, challenger's minus champion's. Its variance is due to the finite rows of the
	// prediction, WindowVariance to those applicants being a sample.
	Approvals estimate
	// ToApprove and ToDecline are the expected shares of flips.
	ToApprove expectedFlips
	ToDecline expectedFlips
	// Scores is the challenger's expected distribution, summing to 1. InverseRows is one over the effective number of rows it rests on,
	// 0 where it is exact: 1/n = Σ w²/rows (Kish 1965), w being the share of applicants in a bucket.
	Scores      [ScoreBuckets]float64
	InverseRows float64
	// Unknown is the share of applicants with scores that no row of the prediction has. The nearest bucket with rows speaks for them, and any of
	// them may flip before that is a fault.
	Unknown float64
}

// estimate is an expected share, and what is uncertain about it.
type estimate struct {
	Mean           float64
	Variance       float64
	WindowVariance float64
}

// expect re-weights the prediction to applicants with these scores of the champion. None, or a nil prediction, gives an expectation without
// any difference; one without rows knows nothing of any applicant.
func (p *Prediction) expect(stable Histogram) expectation {
	var e expectation
	n := float64(stable.Total())
	if n == 0 {
		return e
	}
	exact := p.exact()
	if p.rowless() {
		exact, e.Unknown = true, 1
	}
	var square float64 // Σ w·difference²
	for i, count := range stable {
		if count == 0 {
			continue
		}
		w := float64(count) / n
		if exact {
			e.Scores[i] = w
			continue
		}
		b := &p.Buckets[i]
		if b.Rows == 0 {
			e.Unknown += w
			b = p.nearest(i)
		}
		rows := float64(b.Rows)
		up, down := float64(b.ToApprove)/rows, float64(b.ToDecline)/rows
		e.ToApprove.add(count, w, up, rows)
		e.ToDecline.add(count, w, down, rows)
		e.Approvals.Mean += w * (up - down)
		e.Approvals.Variance += w * w * differenceVariance(float64(b.ToApprove), float64(b.ToDecline), rows)
		square += w * (up - down) * (up - down)
		for j, c := range b.CanaryScores {
			e.Scores[j] += w * float64(c) / rows
		}
		e.InverseRows += w * w / rows
	}
	e.Approvals.WindowVariance = math.Max(0, square-e.Approvals.Mean*e.Approvals.Mean) / n
	return e
}

// differenceVariance is that of the mean of rows that are +1, -1 or 0, with half an event more on either side.
func differenceVariance(up, down, rows float64) float64 {
	u, d := (up+0.5)/(rows+1), (down+0.5)/(rows+1)
	return (u + d - (u-d)*(u-d)) / rows
}

func (p *Prediction) exact() bool { return p == nil }

// rowless says that nothing could be predicted.
func (p *Prediction) rowless() bool { return p != nil && p.scores().Total() == 0 }

// nearest is the bucket with rows that is nearest to i; of two the lower one. There is one.
func (p *Prediction) nearest(i int) *PredictedBucket {
	for away := 1; ; away++ {
		if i-away >= 0 && p.Buckets[i-away].Rows > 0 {
			return &p.Buckets[i-away]
		}
		if i+away < ScoreBuckets && p.Buckets[i+away].Rows > 0 {
			return &p.Buckets[i+away]
		}
	}
}

// scores is the champion's histogram over the prediction's rows.
func (p *Prediction) scores() Histogram {
	var h Histogram
	if p == nil {
		return h
	}
	for i := range p.Buckets {
		h[i] = p.Buckets[i].Rows
	}
	return h
}
