// Command orders takes orders: POST /orders/{id}?customer=NAME with a list of items.
//
// It shows what a function can use: the path's parameters, query, headers and body of the request, environment variables, a
// ConfigMap and a Secret as files, and a package of its own module.
package main

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"example.com/shop/orders/pricing"
)

type order struct {
	Order     string  `json:"order"`
	Customer  string  `json:"customer"`
	Source    string  `json:"source"`
	Currency  string  `json:"currency"`
	Total     float64 `json:"total"`
	Signature string  `json:"signature"`
}

// Handler takes one order.
func Handler(w http.ResponseWriter, r *http.Request) {
	var body struct {
		Items []pricing.Item `json:"items"`
	}
	if err := json.NewDecoder(r.Body).Decode(&body); err != nil || len(body.Items) == 0 {
		reply(w, http.StatusBadRequest, map[string]string{"error": "an order needs items"})
		return
	}
	total, err := pricing.Total(body.Items, discount())
	if err != nil {
		reply(w, http.StatusBadRequest, map[string]string{"error": err.Error()})
		return
	}
	id := r.Header.Get("X-Fission-Params-Id")
	reply(w, http.StatusCreated, order{
		Order: id, Customer: r.URL.Query().Get("customer"), Source: r.Header.Get("X-Request-Source"),
		Currency: variable("CURRENCY", "EUR"), Total: total, Signature: sign(id),
	})
}

func reply(w http.ResponseWriter, status int, value any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	json.NewEncoder(w).Encode(value)
}

// discount is a percentage that the shop's ConfigMap has.
func discount() float64 {
	percent, _ := strconv.ParseFloat(file(variable("SETTINGS_DIR", "/configs/default/shop"), "discount"), 64)
	return percent
}

// sign signs an order's number with the key that the shop's Secret has.
func sign(id string) string {
	mac := hmac.New(sha256.New, []byte(file(variable("SECRETS_DIR", "/secrets/default/shop"), "key")))
	mac.Write([]byte(id))
	return hex.EncodeToString(mac.Sum(nil))
}

func file(dir, name string) string {
	text, _ := os.ReadFile(filepath.Join(dir, name))
	return strings.TrimSpace(string(text))
}

func variable(name, otherwise string) string {
	if value, ok := os.LookupEnv(name); ok {
		return value
	}
	return otherwise
}
