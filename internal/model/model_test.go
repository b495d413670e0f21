package model

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/pipeline"
	"github.com/loanops/loanops/internal/request"
	"github.com/loanops/loanops/internal/transform"
)

// small is a model of one nullable number and one category: three columns of the number and its indicator, two levels.
func small() *Model {
	return &Model{
		Name: "small",
		Contract: request.Contract{Fields: []request.Field{
			{Name: "income", Type: pipeline.Number, Nullable: true}, {Name: "purpose", Type: pipeline.Category, Domain: []string{"car", "home"}},
			{Name: "unread", Type: pipeline.Category},
		}, Identifiers: []string{"application_id"}},
		Encoder: transform.Encoder{
			Fields: []transform.Field{
				{Name: "income", Type: pipeline.Number, Nullable: true},
				{Name: "purpose", Type: pipeline.Category, Levels: []string{"car", "home"}},
			},
			Scales: []transform.Scale{{Mean: 10, SD: 2}, {SD: 1}},
		},
		Intercept: -1, Coefficients: []float64{0.5, 0.25, 1, -1}, Background: []float64{0, 0.1, 0.5, 0.5},
	}
}

func row(income float64, purpose string) []transform.Value {
	return []transform.Value{{Number: income}, {Text: purpose}}
}

// Wanted values by hand: z = -1 + 0.5·(14-10)/2 + 1 = 1 for a car; -1 + 0.25 - 1 = -1.75 for a home without an income.
func TestScore(t *testing.T) {
	p, err := small().Score(row(14, "car"))
	require.NoError(t, err)
	require.InDelta(t, 1/(1+math.Exp(-1)), p, 1e-15)
	p, err = small().Score([]transform.Value{{Missing: true}, {Text: "home"}})
	require.NoError(t, err)
	require.InDelta(t, 1/(1+math.Exp(1.75)), p, 1e-15)
}

// A prediction is never NaN: what would make one is an error that names the field and not the value.
func TestScoreIsNeverNaN(t *testing.T) {
	for name, bad := range map[string][]transform.Value{
		"NaN": row(math.NaN(), "car"), "infinity": row(math.Inf(1), "car"), "unknown category": row(1, "secret"),
		"missing": {{Number: 1}, {Missing: true}}, "short row": {{Number: 1}},
	} {
		_, err := small().Score(bad)
		require.Equal(t, fault.Invalid, fault.CodeOf(err), name)
		require.NotContains(t, err.Error(), "secret")
	}
	rapid.Check(t, func(t *rapid.T) {
		p, err := small().Score(row(rapid.Float64().Draw(t, "income"), "car"))
		if err == nil {
			require.False(t, math.IsNaN(p))
			require.GreaterOrEqual(t, p, 0.0)
			require.LessOrEqual(t, p, 1.0)
		}
	})
}

func TestContributionsSumToTheLogOdds(t *testing.T) {
	m := small()
	baseline := m.Intercept
	for i, c := range m.Coefficients {
		baseline += c * m.Background[i]
	}
	rapid.Check(t, func(t *rapid.T) {
		r := row(rapid.Float64Range(-100, 100).Draw(t, "income"), rapid.SampledFrom([]string{"car", "home"}).Draw(t, "purpose"))
		contributions, err := m.Contributions(r)
		require.NoError(t, err)
		logit, err := m.logit(r)
		require.NoError(t, err)
		require.InDelta(t, logit-baseline, contributions[0]+contributions[1], 1e-9)
	})
}

func TestBundleRoundTrip(t *testing.T) {
	data, err := small().Encode()
	require.NoError(t, err)
	again, err := small().Encode()
	require.NoError(t, err)
	require.Equal(t, data, again)
	m, err := Decode(data, Digest(data))
	require.NoError(t, err)
	require.Equal(t, small(), m)
}

// A bundle that was changed must not be served, even when it is still well-formed.
func TestDecodeChecksTheDigest(t *testing.T) {
	data, err := small().Encode()
	require.NoError(t, err)
	digest := Digest(data)
	data[len(data)-1] ^= 1 // the last background value changes its sign or exponent: still a number
	_, err = decode(data)
	require.NoError(t, err, "the changed bundle is well-formed")
	_, err = Decode(data, digest)
	require.Equal(t, fault.Invalid, fault.CodeOf(err))
	require.ErrorContains(t, err, digest)
}

func TestDecodeRefusesDamage(t *testing.T) {
	data, err := small().Encode()
	require.NoError(t, err)
	for length := range len(data) {
		_, err := decode(data[:length])
		require.Equal(t, fault.Invalid, fault.CodeOf(err), "cut at %d", length)
	}
	infinite := small()
	infinite.Coefficients[0] = math.Inf(1)
	_, err = infinite.Encode()
	require.Error(t, err)
}

func FuzzDecode(f *testing.F) {
	data, err := small().Encode()
	require.NoError(f, err)
	f.Add(data)
	f.Fuzz(func(t *testing.T, data []byte) {
		m, err := decode(data)
		if err != nil {
			require.Equal(t, fault.Invalid, fault.CodeOf(err))
			return
		}
		_, err = m.Score(make([]transform.Value, len(m.Signature())))
		if err != nil {
			require.NotEmpty(t, err.Error())
		}
	})
}

func BenchmarkScore(b *testing.B) {
	m, r := small(), row(14, "car")
	b.ReportAllocs()
	for b.Loop() {
		if _, err := m.Score(r); err != nil {
			b.Fatal(err)
		}
	}
}
