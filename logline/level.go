package logline

import (
	"encoding/json"
	"strings"
)

// Severities of OpenTelemetry.
const (
	Trace = 1
	Debug = 5
	Info  = 9
	Warn  = 13
	Error = 17
	Fatal = 21
)

// LevelNamed returns the severity that a word means, 0 for none.
func LevelNamed(word string) int {
	switch strings.ToLower(word) {
	case "trace", "trc", "finest", "silly":
		return Trace
	case "debug", "dbg", "fine", "verbose":
		return Debug
	case "info", "inf", "information", "informational", "notice", "log":
		return Info
	case "warn", "warning", "wrn":
		return Warn
	case "error", "err", "severe":
		return Error
	case "fatal", "critical", "crit", "panic", "emergency", "emerg", "alert", "ftl":
		return Fatal
	}
	return 0
}

// LevelName is the usual word for a severity; "" for none.
func LevelName(level int) string {
	switch {
	case level >= Fatal:
		return "fatal"
	case level >= Error:
		return "error"
	case level >= Warn:
		return "warn"
	case level >= Info:
		return "info"
	case level >= Debug:
		return "debug"
	case level >= Trace:
		return "trace"
	}
	return ""
}

// Level finds what a line says of its severity: a JSON object by its level or severity, other text by a word near its beginning.
func Level(text string) int {
	if strings.HasPrefix(text, "{") {
		return levelOfJSON(text)
	}
	if level := levelOfKlog(text); level != 0 {
		return level
	}
	return levelOfText(text)
}

func levelOfJSON(text string) int {
	if !strings.Contains(text, `"level"`) && !strings.Contains(text, `"severity"`) && !strings.Contains(text, `"lvl"`) &&
		!strings.Contains(text, `"log.level"`) {
		return 0
	}
	var o struct {
		Level    any    `json:"level"`
		Lvl      any    `json:"lvl"`
		Severity any    `json:"severity"`
		LogLevel string `json:"log.level"`
	}
	if json.Unmarshal([]byte(text), &o) != nil {
		return 0
	}
	for _, v := range []any{o.Level, o.Severity, o.Lvl, o.LogLevel} {
		switch v := v.(type) {
		case string:
			if level := LevelNamed(v); level != 0 {
				return level
			}
		case float64:
			return levelOfNumber(v)
		}
	}
	return 0
}

// levelOfNumber reads the numbers of bunyan and pino: 10 trace, 20 debug, … 60 fatal.
func levelOfNumber(n float64) int {
	if n < 10 || n > 69 {
		return 0
	}
	return (int(n)/10-1)*4 + 1
}

// levelOfKlog reads "E0102 15:04:05.678901 …".
func levelOfKlog(text string) int {
	if len(text) < 6 || text[5] != ' ' || strings.Trim(text[1:5], "0123456789") != "" {
		return 0
	}
	switch text[0] {
	case 'I':
		return Info
	case 'W':
		return Warn
	case 'E':
		return Error
	case 'F':
		return Fatal
	}
	return 0
}

const (
	// wordsSearched are looked at for a level, of the first so many bytes.
	wordsSearched = 6
	bytesSearched = 96
)

// levelOfText looks for a word in capitals, in brackets or before a colon, or for level=word.
func levelOfText(text string) int {
	if strings.HasPrefix(text, "Traceback (most recent call last)") || strings.HasPrefix(text, "panic: ") || strings.HasPrefix(text, "Exception in thread") {
		return Error
	}
	rest := text[:min(len(text), bytesSearched)]
	for n := 0; n < wordsSearched && rest != ""; n++ {
		var word string
		word, rest, _ = strings.Cut(rest, " ")
		if _, value, ok := strings.Cut(word, "level="); ok {
			return LevelNamed(strings.Trim(value, `"`))
		}
		bare := strings.Trim(word, "[]()<>|:,-")
		if level := LevelNamed(bare); level != 0 && (bare == strings.ToUpper(bare) || len(bare) < len(word) && (n == 0 || word[0] == '[')) {
			return level
		}
		if n == 0 && strings.HasSuffix(word, ":") && (strings.HasSuffix(bare, "Error") || strings.HasSuffix(bare, "Exception")) {
			return Error
		}
	}
	return 0
}
