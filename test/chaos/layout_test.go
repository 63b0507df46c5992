package chaos

import (
	"fmt"
	"strings"
	"testing"

	"ostler/test/proc"
)

// A place says what runs on a seat.
type place struct {
	kind     proc.Kind
	observer bool
}

// layouts are those with a name, and the kind that is to lead in them. A server is
// the more likely to be elected the later it stands.
var layouts = map[string]struct {
	places string
	leader proc.Kind
}{
	"three":        {"ostler,ostler,ostler", ""},
	"five":         {"ostler,ostler,ostler,ostler,ostler", ""},
	"observed":     {"ostler,ostler,ostler,ostler:observer", ""},
	"ostler-leads": {"apache,apache,ostler,apache:observer", proc.Ostler},
	"apache-leads": {"ostler,ostler,apache,ostler:observer", proc.Apache},
}

// parseLayout reads a layout such as ostler,apache,apache:observer.
func parseLayout(text string) ([]place, error) {
	var list []place
	voters := 0
	for _, item := range strings.Split(text, ",") {
		kind, role, _ := strings.Cut(item, ":")
		p := place{kind: proc.Kind(kind), observer: role == "observer"}
		if p.kind != proc.Ostler && p.kind != proc.Apache || role != "" && role != "observer" {
			return nil, fmt.Errorf("layout %q: %q is not ostler or apache, with :observer behind it or not", text, item)
		}
		if !p.observer {
			voters++
		}
		list = append(list, p)
	}
	if voters < 3 {
		return nil, fmt.Errorf("layout %q has %d voters, of which three are needed", text, voters)
	}
	return list, nil
}

func TestLayouts(t *testing.T) {
	for name, l := range layouts {
		if places, err := parseLayout(l.places); err != nil || len(places) != 1+strings.Count(l.places, ",") {
			t.Errorf("%s: %d places, %v", name, len(places), err)
		}
	}
	for _, text := range []string{"ostler", "ostler,ostler,ostler:observer", "ostler,ostler,zookeeper", "ostler,ostler,ostler:leader"} {
		if places, err := parseLayout(text); err == nil {
			t.Errorf("layout %q is read as %v, want an error", text, places)
		}
	}
}
