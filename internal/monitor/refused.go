package monitor

import (
	"fmt"
	"time"
)

// Refusals are what clients were refused for since the last look.
type Refusals struct {
	Requests     int64 // all of them, refused or not
	Institutions int   // that have a key
	// Window is within which of the refused it is known of how many institutions they are; 0 where the last look is longer ago.
	Window time.Duration
	Each   []Refusal
}

// Refusal is how many requests broke a rule of a field.
type Refusal struct {
	Field, Rule  string
	Requests     int64
	Institutions int // that were refused for it within the window
}

const (
	// Refused for one reason is a finding where it is so many requests, such a share of all since the last look, and of so many institutions where there
	// are more than one: else it is the slip of a single client. After a longer time than the window, such as a weekend, the requests count by themselves.
	manyRefused      = 25
	shareRefused     = 0.01
	manyInstitutions = 2
)

// Refused are the reasons for which many requests were refused. They name fields and rules, never a value.
func Refused(since Refusals) (found []Finding) {
	for _, r := range since.Each {
		share := float64(r.Requests) / float64(max(since.Requests, r.Requests))
		told := since.Window > 0
		if r.Requests < manyRefused || share < shareRefused || told && r.Institutions < min(manyInstitutions, since.Institutions) {
			continue
		}
		message := fmt.Sprintf("clients send what the contract refuses: field %q, rule %s, in %d of %d requests since the last look", r.Field, r.Rule, r.Requests, since.Requests)
		if told {
			message += fmt.Sprintf(", of %d institutions within %.0f hours", r.Institutions, since.Window.Hours())
		}
		found = append(found, Finding{
			Kind: OfRequests, Feature: r.Field, Statistic: Statistic("refused_" + r.Rule), Value: share, Limit: shareRefused, Rows: since.Requests, Message: message,
		})
	}
	return found
}
