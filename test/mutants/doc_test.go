package mutants

import (
	"cmp"
	"fmt"
	"os"
	"path"
	"regexp"
	"slices"
	"strings"
	"testing"
)

const docFile = "../../docs/internals/mutants.md"

// messageMax is how much of a message the document shows.
const messageMax = 140

// head is the part of a mutant's row in the document that the table determines.
func (m mutant) head() string {
	pkg, run := m.where()
	return fmt.Sprintf("| %s | %s | %s | `%s`, %s | ", cmp.Or(m.defect, "–"), m.rule, m.name, run, path.Base(pkg))
}

// writeRow puts a message into the row of m, which is made if there is none.
func writeRow(t *testing.T, m mutant, message string) {
	t.Helper()
	b, err := os.ReadFile(docFile)
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(string(b), "\n")
	begin := slices.IndexFunc(lines, func(l string) bool { return strings.HasPrefix(l, "| defect | rule | mutant |") })
	if begin < 0 {
		t.Fatalf("%s has no table of mutants", docFile)
	}
	rows := make(map[string]string)
	end := begin + 2
	for ; strings.HasPrefix(lines[end], "| "); end++ {
		if f := strings.Split(lines[end], " | "); len(f) > 3 {
			rows[f[2]] = lines[end]
		}
	}
	if r := []rune(message); len(r) > messageMax {
		message = string(r[:messageMax]) + " …"
	}
	rows[m.name] = m.head() + strings.ReplaceAll(message, "|", "/") + " |"
	var out []string
	for _, m := range table {
		if row, ok := rows[m.name]; ok {
			out = append(out, row)
		}
	}
	write(t, docFile, []byte(strings.Join(slices.Concat(lines[:begin+2], out, lines[end:]), "\n")))
}

// TestDocument keeps docs/internals/mutants.md in step: it has each mutant, and each
// defect that cannot be put in, with the reason.
func TestDocument(t *testing.T) {
	b, err := os.ReadFile(docFile)
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range table {
		if m.rule == "" {
			t.Errorf("%s: no rule", m.name)
		}
		if !strings.Contains(string(b), m.head()) {
			t.Errorf("no row %q; -mutants -mutants.write -run 'TestMutants/%s' makes it", m.head(), strings.ReplaceAll(m.name, " ", "_"))
		}
	}
	for _, e := range elsewhere {
		if row := fmt.Sprintf("| %s | %s |", e.defect, e.reason); !strings.Contains(string(b), row) {
			t.Errorf("no row %q", row)
		}
	}
}

// TestCatalogue wants each defect of quorum.md 7.4, and each of 7.5 that was fixed or
// partly fixed, to be a mutant or to be listed with the reason why not.
func TestCatalogue(t *testing.T) {
	has := make(map[string]bool)
	split := regexp.MustCompile(`,\s*`)
	for _, m := range table {
		for _, d := range split.Split(m.defect, -1) {
			has[d] = true
		}
	}
	for _, e := range elsewhere {
		for _, d := range split.Split(e.defect, -1) {
			if has[d] {
				t.Errorf("%s is a mutant, and listed as none", d)
			}
			has[d] = true
		}
	}
	for _, d := range strings.Fields(catalogue) {
		if !has[d] {
			t.Errorf("%s is neither a mutant nor listed with a reason", d)
		}
	}
}

// catalogue is quorum.md 7.4, and of 7.5 what has status F or P.
const catalogue = `A B C D E F
	335 1081 1082 790 962 1136 3104 1154 1156 1264 1282 1291 1343 1191 1192 1270 1277 1324 1367 2355 1413 2418 1419
	1465 1697 2678 1489 1514 1732 1805 1810 1818 3537 1521 1551 2307 4269 1783 1807 2080 2380 2687 2778
	2164 3756 3758 4220 2172 2201 2247 261 2325 3056 3644 3781 2819 3829 3830 3814 3842 2832 2845 2872 2959
	3023 3911 4646 3084 3320 3109 3127 3144 3145 3249 3306 3642 3701 3720 3769 4247 4394 4643 4685 4541 4712
	4785 4787 4886 4925`

// elsewhere are the defects that cannot be put in.
var elsewhere = []struct{ defect, reason string }{
	{"F", "there is no SASL between servers"},
	{"4886", "there is no SASL between servers, so no order of authentication that a small id could get wrong"},
	{"2080, 2380, 2687, 2778", "elections, reconfiguration and the end of a role are steps of one loop: there are no locks between them"},
	{"2201", "nothing is sent or written under a lock: links and disks have loops of their own, and the simulator fails a step that tells another after a file call"},
	{"4541, 4712", "the log loop does everything in its order: what a new role has it write comes behind all that the old one had it write, whether that was waited for or not"},
	{"3127", "one loop applies a transaction, a multi as one, and opens views between two: no view shows half of it"},
	{"3084, 3320", "the election port is opened once, at the start; where that fails the server stops with the reason"},
	{"3109", "the remedy, leader.maxTimeToWaitForEpoch, is opt-in there and not built: a leader without a quorum gives up after initLimit"},
	{"4787", "strings are UTF-8 everywhere: there is no charset of a platform"},
}
