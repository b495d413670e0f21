// Command errorrates simulates canaries under the shipped spec and writes docs/error-rates.md: how often a good challenger is aborted, and how often a
// bad one is found in time.
package main

import (
	"flag"
	"sync"

	"github.com/loanops/loanops/internal/pipeline"
	"github.com/loanops/loanops/pipelines"
	"github.com/loanops/loanops/tests/simulation"
)

// shippedCanaries is how many canaries of a kind the table in docs rests on.
const shippedCanaries = 1000

func main() {
	canaries := flag.Int("canaries", shippedCanaries, "how many canaries of each kind to simulate")
	simulation.Main("docs/error-rates.md", func() (string, error) {
		cfg := shipped().Deploy.Canary
		return document(cfg, simulate(cfg, *canaries, volumes), beside(cfg, *canaries), *canaries), nil
	})
}

// shipped is the spec that comes with the product, without synthetic requests.
var shipped = sync.OnceValue(func() pipeline.Spec {
	spec := asShipped()
	spec.Deploy.Canary.Rate = 0
	return spec
})

// syntheticRate is its synthetic requests per second.
func syntheticRate() float64 { return asShipped().Deploy.Canary.Rate }

func asShipped() pipeline.Spec {
	const name = "loan-eligibility.yaml"
	text, err := pipelines.FS.ReadFile(name)
	if err != nil {
		panic(err)
	}
	spec, err := pipeline.Parse(name, text)
	if err != nil {
		panic(err)
	}
	return spec
}
