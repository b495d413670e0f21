package canary

import "math"

// share is x of n, 0 of none.
func share(x, n int64) float64 {
	if n == 0 {
		return 0
	}
	return float64(x) / float64(n)
}

// divergence is Kullback and Leibler's, in nats, of a coin that shows q from one that shows p: n times it is the log-likelihood ratio of n
// throws. 0·log 0 is 0.
func divergence(q, p float64) float64 {
	d := 0.0
	if q > 0 {
		d += q * math.Log(q/p)
	}
	if q < 1 {
		d += (1 - q) * math.Log((1-q)/(1-p))
	}
	return math.Max(d, 0)
}

// excess bounds the probability to see x of n and sx of sn, or shares that are further apart, where the first rate is at most the second plus
// margin (-1 to 1):
//
//	exp(-min over p of (n·KL(x/n, p+margin) + sn·KL(sx/sn, p)))
//
// It is the likelihood ratio with Chernoff's exponent in place of the normal tail, so that it holds for few events, where a score test is
// far too bold: for a known p it is Chernoff's bound (1952, doi 10.1214/aoms/1177729330), and that it is on the safe side for two samples is held by
// enumeration in the tests. A share within the margin gives 1; so does no data.
func excess(x, n, sx, sn int64, margin float64) float64 {
	return math.Exp(logExcess(x, n, sx, sn, margin))
}

// beyond bounds the probability to see x of n, or more, at a rate (Chernoff 1952, doi 10.1214/aoms/1177729330). A share within the rate gives 1; so
// does no data.
func beyond(x, n int64, rate float64) float64 {
	q := share(x, n)
	if q <= rate {
		return 1
	}
	return math.Exp(-float64(n) * divergence(q, rate))
}

// logExcess is the exponent, where its power may be too small for a number.
func logExcess(x, n, sx, sn int64, margin float64) float64 {
	q, s := share(x, n), share(sx, sn)
	if n == 0 || sn == 0 || q-s <= margin {
		return 0
	}
	low, high := math.Max(s, -margin), math.Min(q-margin, 1)
	// The sum is convex in p and falls at low, rises at high: its slope is bisected.
	p := bisect(low, high, func(p float64) float64 {
		return float64(n)*(p+margin-q)/((p+margin)*(1-p-margin)) + float64(sn)*(p-s)/(p*(1-p))
	})
	return -float64(n)*divergence(q, p+margin) - float64(sn)*divergence(s, p)
}

// discordance is excess for pairs: of n, so many were broken by the challenger alone and so many by stable alone, of which the first may be
// margin (0 to 1) more. Both are of the same pairs, so that the likelihood is the multinomial's; without a margin it is the likelihood ratio
// behind McNemar's test (1947, doi 10.1007/BF02295996):
//
//	exp(-n·min over p of KL((broken, mended, rest)/n, (p+margin, p, 1-2p-margin)))
func discordance(broken, mended, n int64, margin float64) float64 {
	q, s := share(broken, n), share(mended, n)
	if n == 0 || q-s <= margin {
		return 1
	}
	rest := 1 - q - s
	p := bisect(0, (1-margin)/2, func(p float64) float64 { return -q/(p+margin) - s/p + 2*rest/(1-2*p-margin) })
	sum := q * math.Log(q/(p+margin))
	if s > 0 {
		sum += s * math.Log(s/p)
	}
	if rest > 0 {
		sum += rest * math.Log(rest/(1-2*p-margin))
	}
	return math.Exp(-float64(n) * math.Max(sum, 0))
}

// uncertainExcess is excess where the margin is itself a normal estimate with a variance: the exponent counts by how much it would have to be off.
func uncertainExcess(x, n, sx, sn int64, margin, variance float64) float64 {
	if variance == 0 || share(x, n)-share(sx, sn) <= margin {
		return excess(x, n, sx, sn, margin)
	}
	// The exponent's negative is convex in what the margin is off by, which lies between none and all.
	negative := func(off float64) float64 { return off*off/(2*variance) - logExcess(x, n, sx, sn, margin+off) }
	return math.Exp(-negative(minimise(0, share(x, n)-share(sx, sn)-margin, negative)))
}

// ksChance bounds the probability that a sample is further than distance (Kolmogorov-Smirnov) from the distribution it is of: Massart 1990, doi
// 10.1214/aop/1176990746. The sizes of independent samples combine as 1/n = 1/n1 + 1/n2 (Smirnov 1948, doi 10.1214/aoms/1177730256). Binning
// makes distances smaller, never larger.
func ksChance(distance, inverseSize float64) float64 {
	return math.Min(1, 2*math.Exp(-2*distance*distance/inverseSize))
}
