package lint

import (
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// safetyNames are what docs/internals/safety.md must have a row for: the rules of
// quorum.md 7.6, the invariants of 7.1, the scenarios of 7.5.1, the properties of 8.3.
func safetyNames() []string {
	names := strings.Fields(`R4b R5b T-3911/4646 T-4643 T-4785 T-4394 T-4685 T-2172b T-3642 T-5094 T-3104 T-2872 T-2355 T-962 T-2845
		T-1549/4837 T-TRUNC-miss T-2846/2832 T-4925 T-EPOCH T-1277 T-261 T-DUP T-ENOSPC T-RECONF T-ROLE T-FOREIGN
		Leadership1 Leadership2 PrefixConsistency Integrity Agreement TotalOrder LocalPrimaryOrder GlobalPrimaryOrder
		PrimaryIntegrity ShouldNotBeTriggered`)
	for i := 1; i <= 30; i++ {
		names = append(names, fmt.Sprintf("R%d", i))
	}
	for i := 1; i <= 11; i++ {
		names = append(names, fmt.Sprintf("I%d", i))
	}
	return names
}

var quoted = regexp.MustCompile("`([^`]+)`")

// The page about safety names every rule, scenario and property, where it is kept and
// what tests it. All that exists, and each test's file says what it is for: so the
// page cannot fall behind, and no rule loses its test unseen.
func TestSafetyIsIndexed(t *testing.T) {
	b, err := os.ReadFile("../../docs/internals/safety.md")
	if err != nil {
		t.Fatal(err)
	}
	rows := make(map[string][]string)
	for _, line := range strings.Split(string(b), "\n") {
		cells := strings.Split(strings.Trim(line, "| "), " | ")
		if name, _, _ := strings.Cut(cells[0], " "); strings.HasPrefix(line, "| ") {
			rows[name] = cells
		}
	}
	for _, name := range safetyNames() {
		cells, ok := rows[name]
		if !ok {
			t.Errorf("%s has no row", name)
			continue
		}
		delete(rows, name)
		for i, c := range cells[1:] {
			refs := quoted.FindAllStringSubmatch(c, -1)
			if last := i == len(cells)-2; last && len(refs) == 0 {
				t.Errorf("%s: no test", name)
			}
			for _, ref := range refs {
				checkReference(t, name, ref[1])
			}
		}
	}
	for name := range rows {
		if !slices.Contains([]string{"rule", "invariant", "scenario", "property", "---"}, name) {
			t.Errorf("%s is no name of the specification", name)
		}
	}
}

// checkReference wants a file below internal, or a function in it: "a/b.go", "a/b_test.go
// TestC", or a trace. Tests and traces must name what they are for.
func checkReference(t *testing.T, name, ref string) {
	t.Helper()
	file, function, test := strings.Cut(ref, " ")
	if strings.Contains(file, "=") {
		return // a setting
	}
	b, err := os.ReadFile("../" + file)
	if err != nil {
		t.Errorf("%s: %v", name, err)
		return
	}
	if test && !regexp.MustCompile(`(?m)^func (\(.*\) )?`+function+`\(`).Match(b) {
		t.Errorf("%s: %s has no %s", name, file, function)
	}
	first, _, _ := strings.Cut(name, "/")
	if (test || strings.HasSuffix(file, ".txt")) && !regexp.MustCompile(`\b`+first+`\b`).Match(b) {
		t.Errorf("%s: %s does not say that it is about it", name, file)
	}
}
