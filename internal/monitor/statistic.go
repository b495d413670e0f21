package monitor

// Statistic is what a finding's value measures. That of a drift has its name in package drift, that of a broken rule its name in package dataset, and that
// of refused requests is refused_ with the rule of package request.
type Statistic string

// The statistics that other findings have.
const (
	AUCChange         Statistic = "auc_change"          // of the champion since it was judged, as the two that follow
	offPromise        Statistic = "calibration"         // positive labels above what scores promise
	BrierExcess       Statistic = "brier_excess"        // Brier score above what scores promise
	AUCDifference     Statistic = "auc_difference"      // of an older version and the champion
	BrierDifference   Statistic = "brier_difference"    // the same
	RefusedByChampion Statistic = "refused_by_champion" // share of the fresh rows
	classifierAUC     Statistic = "classifier_auc"      // of telling fresh rows from the reference by all features
	unseenValues      Statistic = "unseen"              // share of the rows with a value that the reference does not have
	UndatedRows       Statistic = "undated"             // share of the new rows
	anotherUnit       Statistic = "unit"                // factor between the values of now and before
	featureSkew       Statistic = "skew"                // share of the entities of which the feature store tells decisions another value than trainings
	featureAge        Statistic = "age"                 // seconds since what decisions read of a view was known
	notMaterialized   Statistic = "not_materialized"    // decisions read nothing of a view
	labelledRows      Statistic = "rows"                // that are new and have a final label
)

// changeOf and differenceOf are the statistics by the metric that decided.
var (
	changeOf     = map[string]Statistic{"auc": AUCChange, "calibration": offPromise, "brier_excess": BrierExcess}
	differenceOf = map[string]Statistic{"auc": AUCDifference, "brier": BrierDifference}
)
