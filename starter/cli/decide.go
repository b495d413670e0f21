package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"github.com/loanops/loanops/internal/artifact"
	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/model"
	"github.com/loanops/loanops/internal/registry"
	"github.com/loanops/loanops/internal/serving"
	"github.com/loanops/loanops/internal/settings"
)

func (a *app) decideCommand() *cobra.Command {
	var example bool
	var institution, pipeline string
	c := &cobra.Command{
		Use: "decide [FILE]", Short: "Ask production for a decision on an application (JSON file, - for standard input)", Args: between(0, 1),
		Example: "  loanops decide --example\n  loanops decide application.json --institution north-bank --output json",
		RunE: func(c *cobra.Command, args []string) error {
			ctx := c.Context()
			reg, s, err := a.registry(ctx)
			if err != nil {
				return err
			}
			defer reg.Close()
			var body []byte
			switch {
			case example && len(args) == 0:
				body, err = exampleApplication(ctx, reg, s, pipeline)
			case !example && len(args) == 1 && args[0] == "-":
				body, err = io.ReadAll(a.in)
			case !example && len(args) == 1:
				if body, err = os.ReadFile(args[0]); err != nil {
					err = fault.New(fault.NotFound, "%s: there is no such file", args[0])
				}
			default:
				err = fault.New(fault.Invalid, "give a JSON file, - for standard input, or --example")
			}
			if err != nil {
				return err
			}
			key, err := a.key(institution)
			if err != nil {
				return err
			}
			answer, err := decide(ctx, s.Gateway, pipeline, key, body)
			if err != nil {
				return err
			}
			return a.print(answer, func() { a.describeDecision(body, answer) })
		},
	}
	c.Flags().BoolVar(&example, "example", false, "use one of the champion's test applications")
	c.Flags().StringVar(&institution, "institution", "", "whose key to use (default: the first demo institution)")
	c.Flags().StringVar(&pipeline, "pipeline", "loan-eligibility", "whose champion to ask")
	return c
}

// exampleApplication is one of the golden applications of the champion.
func exampleApplication(ctx context.Context, reg registry.Registry, s settings.Settings, pipeline string) ([]byte, error) {
	newest, err := reg.Serving(ctx, pipeline, serving.Production)
	if err != nil {
		return nil, err
	}
	if newest.Champion == nil {
		return nil, fault.New(fault.NotFound, "%s has no champion yet", pipeline)
	}
	version, err := reg.Version(ctx, pipeline, newest.Champion.Version)
	if err != nil {
		return nil, err
	}
	store, err := objects(ctx, s)
	if err != nil {
		return nil, err
	}
	data, err := store.Get(ctx, version.Artifacts[artifact.Golden])
	if err != nil {
		return nil, err
	}
	var golden model.Golden
	if err := json.Unmarshal(data, &golden); err != nil || len(golden.Rows) == 0 {
		return nil, fault.New(fault.Internal, "the champion's golden applications are not readable")
	}
	return json.Marshal(golden.Rows[0].Application)
}

// key is LOANOPS_API_KEY, that of the file LOANOPS_API_KEY_FILE, or an institution's from the demo's keys file.
func (a *app) key(institution string) (string, error) {
	if key := os.Getenv("LOANOPS_API_KEY"); key != "" && institution == "" {
		return key, nil
	}
	if file := os.Getenv("LOANOPS_API_KEY_FILE"); file != "" && institution == "" {
		key, err := token(file)
		return key, fault.Wrap(fault.Invalid, err, "LOANOPS_API_KEY_FILE")
	}
	data, err := os.ReadFile(filepath.Join(a.state, "keys.json"))
	if err != nil {
		return "", fault.New(fault.NotFound, "%s has no keys.json; `loanops up` makes it", a.state)
	}
	var keys map[string]string
	if err := json.Unmarshal(data, &keys); err != nil || len(keys) == 0 {
		return "", fault.New(fault.Invalid, "keys.json is not readable")
	}
	if institution == "" {
		institution = sortedKeys(keys)[0]
	}
	if keys[institution] == "" {
		return "", fault.New(fault.NotFound, "there is no institution %q; there are %v", institution, sortedKeys(keys))
	}
	return keys[institution], nil
}

// answer is a predictor's, as JSON output shows it.
type answer struct {
	DecisionID  string  `json:"decision_id"`
	Verdict     string  `json:"verdict"`
	Probability float64 `json:"probability"`
	Reasons     []struct {
		Field        string  `json:"field"`
		Text         string  `json:"text"`
		Contribution float64 `json:"contribution"`
	} `json:"reasons"`
	Model struct {
		Name    string `json:"name"`
		Version int    `json:"version"`
		Digest  string `json:"digest"`
	} `json:"model"`
	Policy struct {
		Digest string `json:"digest"`
	} `json:"policy"`
	// Features are those that were looked up, by name.
	Features map[string]struct {
		Value          json.RawMessage `json:"value"`
		Status         string          `json:"status"`
		EventTimestamp *time.Time      `json:"event_timestamp,omitempty"`
	} `json:"features,omitempty"`
}

// decide asks the gateway.
func decide(ctx context.Context, gateway, pipeline, key string, body []byte) (answer, error) {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	var d answer
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, gateway+"/v1/pipelines/"+pipeline+"/decisions", bytes.NewReader(body))
	if err != nil {
		return d, err
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("Authorization", "Bearer "+key)
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return d, fault.Wrap(fault.Unavailable, err, "the gateway does not answer")
	}
	defer response.Body.Close()
	data, err := io.ReadAll(io.LimitReader(response.Body, 1<<20))
	if err != nil {
		return d, fault.Wrap(fault.Unavailable, err, "the gateway does not answer")
	}
	switch {
	case response.StatusCode >= http.StatusInternalServerError:
		return d, fault.New(fault.Unavailable, "the gateway answers %s: %s", response.Status, data)
	case response.StatusCode != http.StatusOK:
		return d, fault.New(fault.Invalid, "the gateway answers %s: %s", response.Status, data)
	}
	return d, json.Unmarshal(data, &d)
}

func (a *app) describeDecision(application []byte, d answer) {
	fmt.Fprintf(a.out, "application %s\n%s at a probability of %.4f, by %s version %d (decision %s)\n", application, d.Verdict, d.Probability, d.Model.Name, d.Model.Version, d.DecisionID)
	for _, reason := range d.Reasons {
		fmt.Fprintf(a.out, "  %s\n", reason.Text)
	}
	for _, name := range slices.Sorted(maps.Keys(d.Features)) {
		of := d.Features[name]
		fmt.Fprintf(a.out, "  %s %s, %s", name, of.Value, of.Status)
		if of.EventTimestamp != nil {
			fmt.Fprintf(a.out, " as of %s", of.EventTimestamp.Format(time.DateOnly))
		}
		fmt.Fprintln(a.out)
	}
}
