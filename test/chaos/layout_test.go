package chaos

import (
	"fmt"
	"strings"

	"ostler/test/proc"
)

// A place says what runs on a seat.
type place struct {
	kind     proc.Kind
	observer bool
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
