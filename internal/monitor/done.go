package monitor

// Done is what a look did about its verdict, or why it did not.
type Done string

// What a look does. A look that had nothing to do has none.
const (
	Started    Done = "started"     // a training
	Kept       Done = "kept"        // a training runs; another one follows it
	HeldBack   Done = "held"        // what was to be done is held back
	WentBack   Done = "rolled_back" // an older version serves again
	Delivering Done = "delivering"  // an older version does not run any more, and is being delivered
	Overtaken  Done = "overtaken"   // somebody else changes what serves, or has since the look began
	Failed     Done = "failed"      // it was to be done, and could not be
)
