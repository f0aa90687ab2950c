package proxy

// checkRequest looks at what makes a request's end and destination ambiguous.
func (h *head) checkRequest() error {
	hosts := 0
	for i := range h.fields {
		if h.fields[i].kind == fieldHost {
			hosts++
		}
	}
	if hosts != 1 || !validHost(h.knownValue(fieldHost)) {
		return errBadHead
	}
	return h.checkFraming()
}

// checkFraming finds the body's length and refuses what another reader could understand differently.
func (h *head) checkFraming() error {
	lengths, codings := 0, 0
	for i := range h.fields {
		f := &h.fields[i]
		switch f.kind {
		case fieldContentLength:
			n, ok := parseLength(h.value(f))
			if !ok {
				return errBadFraming
			}
			h.length = n
			lengths++
		case fieldTransferEncoding:
			if !equalFold(h.value(f), "chunked") {
				return errBadFraming
			}
			h.chunked = true
			codings++
		case fieldConnection:
			h.readConnection(h.value(f))
		default:
		}
	}
	if lengths > 1 || codings > 1 || lengths+codings > 1 || codings > 0 && h.minor == '0' {
		return errBadFraming
	}
	h.upgrade = h.upgrade && h.has(fieldUpgrade) && !equalFold(h.knownValue(fieldUpgrade), "h2c")
	return nil
}

// readConnection notes the options of one Connection field.
func (h *head) readConnection(v []byte) {
	for len(v) > 0 {
		var option []byte
		option, v = nextOption(v)
		switch {
		case equalFold(option, "close"):
			h.closes = true
		case equalFold(option, "keep-alive"):
			h.closes = h.closes && h.minor != '0'
		case equalFold(option, "upgrade"):
			h.upgrade = true
		case len(option) > 0 && classify(option) == fieldOther:
			h.nominated = true
		}
	}
}

// isNominated reports whether a Connection field names the field.
func (h *head) isNominated(name []byte) bool {
	for i := range h.fields {
		if h.fields[i].kind != fieldConnection {
			continue
		}
		for v := h.value(&h.fields[i]); len(v) > 0; {
			var option []byte
			if option, v = nextOption(v); equalFoldBytes(option, name) {
				return true
			}
		}
	}
	return false
}

// nextOption cuts the first element of a comma-separated list.
func nextOption(v []byte) (option, rest []byte) {
	end := 0
	for end < len(v) && v[end] != ',' {
		end++
	}
	option, rest = v[:end], v[min(end+1, len(v)):]
	for len(option) > 0 && isSpace(option[0]) {
		option = option[1:]
	}
	for len(option) > 0 && isSpace(option[len(option)-1]) {
		option = option[:len(option)-1]
	}
	return option, rest
}

// parseLength reads a Content-Length: digits only, no list, no sign.
func parseLength(v []byte) (int64, bool) {
	if len(v) == 0 || len(v) > 18 {
		return 0, false
	}
	var n int64
	for _, d := range v {
		if d < '0' || d > '9' {
			return 0, false
		}
		n = n*10 + int64(d-'0')
	}
	return n, true
}
