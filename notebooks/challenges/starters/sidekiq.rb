# Sidekiq in a process of its own (its wiki, "Embedding"), by the judge's lines; see `command`.
# Its default fetch takes a job off its list before it runs; the one that does not is part of Pro.
require "json"
require "sidekiq"

$stdout.sync = true
ROLE = JSON.parse($stdin.gets)
Sidekiq.configure_client { |config| config.redis = { url: ROLE["redis"] } }

class Work
  include Sidekiq::Job

  def perform(job)
    puts JSON.generate(run: job, message_id: jid)
    $stdin.gets
  end
end

if ROLE["role"] == "producer"
  while (line = $stdin.gets)
    job = JSON.parse(line)["put"]
    begin
      Work.perform_async(job)
      puts JSON.generate(put: job)
    rescue StandardError => error
      puts JSON.generate(refused: job, error: error.message)
    end
  end
else
  server = Sidekiq.configure_embed do |config|
    config.redis = { url: ROLE["redis"] }
    config.logger = Logger.new($stderr)
    config.concurrency = 1
  end
  server.run
  puts JSON.generate(ready: true)
  sleep
end
