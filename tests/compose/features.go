package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"time"
)

// lateApplicant is whom an event is about.
const lateApplicant = "A-composed"

// feature computes a view of the repository's, posts an event of it and gets what it says.
func (j *journey) feature(ctx context.Context) error {
	return j.steps(
		do{"features materialize payments", func() (string, error) { return "", j.cli(ctx, nil, "features", "materialize", "payments") }},
		do{"a late payment is posted", func() (string, error) {
			event := map[string]any{
				"event_id": "late", "entity": map[string]any{"applicant_id": lateApplicant}, "event_timestamp": time.Now().UTC().AddDate(0, 0, -2).Format(time.RFC3339),
				"values": map[string]any{"amount": 250, "late": true, "days_late": 1, "channel": "transfer"},
			}
			_, err := j.askFeatures(ctx, "/v1/features/payments", "features-writer.key", map[string]any{"events": []any{event}})
			return "written", err
		}},
		do{"what is known of the applicant", func() (string, error) { return j.known(ctx) }},
	)
}

// lookUp is what the online store says of whom the event is about.
func (j *journey) lookUp(ctx context.Context) (string, error) {
	return j.askFeatures(ctx, "/get-online-features", "features-reader.key", map[string]any{
		"features": []string{"payments:late_30d"}, "entities": map[string]any{"applicant_id": []string{lateApplicant}},
	})
}

// known says that the event is known of the applicant.
func (j *journey) known(ctx context.Context) (string, error) {
	said, err := j.lookUp(ctx)
	if err != nil {
		return said, err
	}
	var answer struct {
		Metadata struct {
			Names []string `json:"feature_names"`
		} `json:"metadata"`
		Results []struct {
			Values   []any    `json:"values"`
			Statuses []string `json:"statuses"`
		} `json:"results"`
	}
	if err := json.Unmarshal([]byte(said), &answer); err != nil {
		return said, err
	}
	for i, name := range answer.Metadata.Names {
		if name == "late_30d" && i < len(answer.Results) && fmt.Sprint(answer.Results[i].Values, answer.Results[i].Statuses) == "[1] [PRESENT]" {
			return "late_30d is 1", nil
		}
	}
	return said, fmt.Errorf("late_30d of %s should be 1 and PRESENT", lateApplicant)
}

func (j *journey) askFeatures(ctx context.Context, path, key string, document any) (string, error) {
	secret, err := j.secret(key)
	if err != nil {
		return "", err
	}
	body, err := json.Marshal(document)
	if err != nil {
		return "", err
	}
	code, said, err := post(ctx, j.features+path, map[string]string{"Authorization": "Bearer " + secret}, body)
	if err == nil && code != http.StatusOK {
		err = fmt.Errorf("%d %s", code, said)
	}
	return said, err
}
