package gateway

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	vegeta "github.com/tsenart/vegeta/v12/lib"

	"github.com/loanops/loanops/api/predictor"
	"github.com/loanops/loanops/internal/decision"
	"github.com/loanops/loanops/internal/deploy/contract"
	"github.com/loanops/loanops/internal/model"
	"github.com/loanops/loanops/internal/pipeline"
	accepted "github.com/loanops/loanops/internal/request"
	"github.com/loanops/loanops/internal/transform"
)

// realPredictor serves a version of a model of one field on loopback.
func realPredictor(tb testing.TB, version int) *httptest.Server {
	tb.Helper()
	return predictorTaking(tb, version, accepted.Field{Name: "debt", Type: pipeline.Number})
}

// realPolicy is that of real predictors.
var realPolicy = decision.Policy{Cutoff: 0.5}

// toReal are routes to real predictors.
func toReal(r contract.Routes) contract.Routes {
	for slot, runs := range r.Pipelines["loans"].Tracks {
		runs.PolicyDigest = realPolicy.Digest()
		r.Pipelines["loans"].Tracks[slot] = runs
	}
	return r
}

// predictorTaking serves a version of a model of debt, which is one of the fields, on loopback.
func predictorTaking(tb testing.TB, version int, fields ...accepted.Field) *httptest.Server {
	tb.Helper()
	m := &model.Model{
		Name:      "loans",
		Contract:  accepted.Contract{Fields: fields, Identifiers: []string{"application_date"}},
		Encoder:   transform.Encoder{Fields: []transform.Field{{Name: "debt", Type: pipeline.Number}}, Scales: []transform.Scale{{Mean: 1, SD: 1}}},
		Intercept: -1, Coefficients: []float64{2}, Background: []float64{0},
	}
	data, err := m.Encode()
	require.NoError(tb, err)
	path := filepath.Join(tb.TempDir(), "model.bundle")
	require.NoError(tb, os.WriteFile(path, data, 0o600))
	policyPath := filepath.Join(tb.TempDir(), "policy.json")
	require.NoError(tb, os.WriteFile(policyPath, realPolicy.Document(), 0o600))
	p, err := predictor.New(predictor.Config{
		Bundle: path, Digest: model.Digest(data), Version: version, Policy: policyPath, PolicyDigest: realPolicy.Digest(), Meaning: pipeline.MeaningDefault,
	})
	require.NoError(tb, err)
	s := httptest.NewServer(p.Handler())
	tb.Cleanup(s.Close)
	return s
}

// routed are gateways to the same two predictors: with everything to one of them, without and with copies to the other.
func routed(tb testing.TB) map[string]*Gateway {
	blue, green := realPredictor(tb, 1), realPredictor(tb, 2)
	alone, mirrored := newGateway(tb, "http://agent.invalid"), newGateway(tb, "http://agent.invalid")
	alone.table.set(toReal(two(blue, green, 100)))
	mirrored.table.set(toReal(mirroring(blue, green)))
	return map[string]*Gateway{"alone": alone, "mirrored": mirrored}
}

// debt is another application each time.
func debt(i int) string { return fmt.Sprintf(`{"debt": %d.5}`, i) }

// BenchmarkProxy is one request after another, without and with a mirror.
func BenchmarkProxy(b *testing.B) {
	gateways := routed(b)
	for _, name := range []string{"alone", "mirrored"} {
		b.Run(name, func(b *testing.B) {
			h, i := gateways[name].Handler(), 0
			b.ReportAllocs()
			for b.Loop() {
				i++
				if answer := serve(h, newRequest("k-north", "/v1/decisions", debt(i))); answer.Code != http.StatusOK {
					b.Fatal(answer.Body)
				}
			}
		})
	}
}

// BenchmarkCopy is what a mirror adds to a request's own time, whether it is copied or dropped: the copy itself goes nowhere.
func BenchmarkCopy(b *testing.B) {
	g := newGateway(b, "http://agent.invalid")
	g.table.set(mirroring(gone(), gone()))
	chooser := g.table.chooser("loans")
	body := []byte(strings.Repeat("x", 600))
	b.ReportAllocs()
	for b.Loop() {
		body[0]++
		g.mirror(chooser.mirror, g.newRequest("loans", contract.KindSingle, "north", body), chooser.choose(""), result{code: 200})
	}
}

// BenchmarkLoad is 8 clients over loopback, as fast as they can and at less than half of that. Both gateways have their turns in the same
// run, so that a machine whose speed drifts is the same for both: requests per second, the processors' time of one (of its client and of the
// predictors too), and what their clients see, in microseconds. A turn of a second begins with a full bucket: it has twice the copies of one
// that goes on.
func BenchmarkLoad(b *testing.B) {
	for name, rate := range map[string]vegeta.Rate{"full": {}, "5000 per second": {Freq: 5000, Per: time.Second}} {
		b.Run(name, func(b *testing.B) {
			gateways, urls := routed(b), map[string]string{}
			seen := map[string]*vegeta.Metrics{"alone": {}, "mirrored": {}}
			for name, g := range gateways {
				s := httptest.NewServer(g.Handler())
				b.Cleanup(s.Close)
				urls[name] = s.URL
			}
			spent, i := map[string]time.Duration{}, 0
			for b.Loop() {
				for _, name := range []string{"alone", "mirrored"} {
					began := cpu(b)
					attacker := vegeta.NewAttacker(vegeta.Workers(8), vegeta.MaxWorkers(8))
					for result := range attacker.Attack(func(target *vegeta.Target) error {
						i++
						target.Method, target.URL, target.Body = http.MethodPost, urls[name]+"/v1/decisions", []byte(debt(i))
						target.Header = http.Header{"Content-Type": {"application/json"}, "Authorization": {"Bearer k-north"}}
						return nil
					}, rate, time.Second, "") {
						seen[name].Add(result)
					}
					spent[name] += cpu(b) - began
				}
			}
			for name, m := range seen {
				m.Close()
				require.InDelta(b, 1, m.Success, 0, m.Errors)
				b.ReportMetric(float64(m.Requests)/float64(b.N), name+"-req/s")
				b.ReportMetric(float64(spent[name].Nanoseconds())/1000/float64(m.Requests), name+"-cpu-us")
				b.ReportMetric(float64(m.Latencies.P50.Microseconds()), name+"-p50-us")
				b.ReportMetric(float64(m.Latencies.P99.Microseconds()), name+"-p99-us")
			}
			b.ReportMetric(float64(counted(b, gateways["mirrored"], contract.PairsStartedMetric))/float64(b.N), "copies/s")
		})
	}
}

// cpu is the processors' time that this process has used.
func cpu(b *testing.B) time.Duration {
	var used syscall.Rusage
	require.NoError(b, syscall.Getrusage(syscall.RUSAGE_SELF, &used))
	return time.Duration(used.Utime.Nano() + used.Stime.Nano())
}
