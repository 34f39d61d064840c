#!/usr/bin/env ruby
require "json"
require "socket"
$stdout.sync = true # send each line immediately
ROLE = JSON.parse($stdin.gets)
PASSWORD, HOST, PORT = ROLE["redis"].match(%r{//:(\w+)@(.+):(\d+)}).captures

def ask(server, *words) # sends a command in Redis's protocol; raises for an error or no reply
  server.write("*#{words.size}\r\n", *words.map { |word| "$#{word.bytesize}\r\n#{word}\r\n" })
  kind, rest = server.readline(chomp: true).split(/(?<=\A.)/, 2)
  raise rest if kind == "-"
  return rest if kind != "$"
  server.read(rest.to_i + 2).chomp("\r\n").force_encoding("UTF-8") if rest != "-1"
end

def redis(*words) # sends a command over a new connection
  TCPSocket.open(HOST, PORT) do |server|
    ask(server, "AUTH", PASSWORD)
    ask(server, *words)
  end
end

def say_it(**message)
  puts JSON.generate(message)
end

if ROLE["role"] == "producer"
  while (line = $stdin.gets)
    job = JSON.parse(line)["put"]
    begin
      redis("LPUSH", "queue", job)
      say_it(put: job)
    rescue StandardError => error
      say_it(refused: job, error: error.message)
    end
  end
  exit
end
say_it(ready: true)
loop do
  job = redis("RPOP", "queue")
  next sleep(0.05) unless job
  say_it(run: job)
  $stdin.gets # a reliable queue would acknowledge the job here
end
