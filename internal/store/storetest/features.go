package storetest

import (
	"testing"

	"github.com/loanops/loanops/internal/feature"
)

// OpenFeatures opens handles on one fresh feature database.
type OpenFeatures func(t *testing.T) feature.Store

// Features runs the contract of feature.Store; fresh makes a new, empty database.
func Features(t *testing.T, fresh func(t *testing.T) OpenFeatures) {
	for _, test := range []struct {
		name string
		run  func(*testing.T, OpenFeatures)
	}{
		{"Definitions", definitions},
		{"DefinitionsThatAreNotComplete", incompleteDefinitions},
		{"DefinitionsUnderConcurrency", concurrentDefinitions},
		{"Events", events},
		{"EventsOneByOne", eventsOneByOne},
		{"EventsAllOrNone", eventsAllOrNone},
		{"EventsOfViewsApart", eventsOfViews},
		{"Folds", folds},
		{"FoldsOfOneBatchOfManyDays", foldsOfManyDays},
		{"Refolds", refolds},
		{"FoldsOfOthers", foldsOfOthers},
		{"RefoldsBesideOthers", refoldsBesideOthers},
		{"RefoldsOfRetiredVersions", refoldsOfRetired},
		{"RefoldsOfManyEntities", refoldsOfManyEntities},
		{"EventsUnderConcurrency", concurrentEvents},
		{"VersionsWhileEventsArrive", versionsWhileEventsArrive},
		{"VersionsWaitForEvents", versionsWaitForEvents},
		{"States", states},
		{"StatesInOrder", statesInOrder},
		{"StatesOfAnyNumber", statesOfAny},
		{"GenerationsOfFeatures", generationsOfFeatures},
		{"GenerationsOfFeaturesUnderConcurrency", concurrentGenerationsOfFeatures},
		{"ManifestsOfViews", manifestsOfViews},
		{"ManifestsThatAreNeeded", neededManifests},
	} {
		t.Run(test.name, func(t *testing.T) { test.run(t, fresh(t)) })
	}
}
