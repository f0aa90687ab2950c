package node

import "strings"

// expand replaces $(NAME) by the variable's value, $$ by $, and leaves references
// to unknown variables as they are, as Kubernetes does.
func expand(text string, lookup func(string) (string, bool)) string {
	if !strings.Contains(text, "$") {
		return text
	}
	var out strings.Builder
	for i := 0; i < len(text); i++ {
		if text[i] != '$' || i+1 == len(text) {
			out.WriteByte(text[i])
			continue
		}
		switch text[i+1] {
		case '$':
			out.WriteByte('$')
			i++
		case '(':
			length := replaceReference(text[i:], lookup, &out)
			i += length - 1
		default:
			out.WriteByte('$')
		}
	}
	return out.String()
}

// replaceReference writes the value of the reference at the beginning of text and
// returns how much of text it was.
func replaceReference(text string, lookup func(string) (string, bool), out *strings.Builder) int {
	end := strings.IndexByte(text, ')')
	if end < 0 {
		out.WriteString("$(")
		return len("$(")
	}
	whole := text[:end+1]
	if value, ok := lookup(whole[2:end]); ok {
		out.WriteString(value)
	} else {
		out.WriteString(whole)
	}
	return len(whole)
}
