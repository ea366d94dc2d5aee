package policy

// Verdict is the outcome of an appraisal.
type Verdict struct {
	Admitted bool `json:"admitted"`
	// Release names the release that the findings about registers are relative
	// to: the one that matches where there is one, else the nearest. It is empty
	// where none is known for the platform.
	Release  string `json:"release,omitempty"`
	Firmware string `json:"firmware,omitempty"`
	// MarkChecked says whether the session expected a mark, or its absence, and a
	// register was held against that.
	MarkChecked bool      `json:"markChecked"`
	Findings    []Finding `json:"findings"` // refusals first; never nil
}
