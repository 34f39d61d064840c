package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"os"
	"strconv"
	"time"
)

var out, in = json.NewEncoder(os.Stdout), json.NewDecoder(os.Stdin)

type message map[string]any

// One command over a connection, in Redis's own protocol; nil for no text.
func ask(server net.Conn, words ...string) (*string, error) {
	text := fmt.Sprintf("*%d\r\n", len(words))
	for _, word := range words {
		text += fmt.Sprintf("$%d\r\n%s\r\n", len(word), word)
	}
	fmt.Fprint(server, text)
	answer := bufio.NewReader(server)
	line, err := answer.ReadString('\n')
	if err != nil {
		return nil, err
	}
	if line[0] == '-' {
		return nil, errors.New(line[1:])
	}
	size, _ := strconv.Atoi(line[1 : len(line)-2])
	if line[0] != '$' || size < 0 {
		return nil, nil
	}
	found := make([]byte, size)
	_, err = io.ReadFull(answer, found)
	job := string(found)
	return &job, err
}

// The same over a new one.
func redis(address *url.URL, words ...string) (*string, error) {
	server, err := net.Dial("tcp", address.Host)
	if err != nil {
		return nil, err
	}
	defer server.Close()
	password, _ := address.User.Password()
	if _, err = ask(server, "AUTH", password); err != nil {
		return nil, err
	}
	return ask(server, words...)
}

func main() {
	out.SetEscapeHTML(false)
	var role, told map[string]string
	if in.Decode(&role) != nil {
		return
	}
	address, _ := url.Parse(role["redis"])
	for role["role"] == "producer" {
		if told = nil; in.Decode(&told) != nil {
			return
		}
		job := told["put"]
		if _, err := redis(address, "LPUSH", "queue", job); err != nil {
			out.Encode(message{"refused": job, "error": err.Error()})
		} else {
			out.Encode(message{"put": job})
		}
	}
	out.Encode(message{"ready": true})
	for {
		job, err := redis(address, "RPOP", "queue")
		if err != nil {
			panic(err)
		}
		if job == nil {
			time.Sleep(50 * time.Millisecond)
			continue
		}
		out.Encode(message{"run": *job})
		if in.Decode(&told) != nil {
			return
		} // and here it would be acknowledged
	}
}
