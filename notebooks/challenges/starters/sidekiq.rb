# Sidekiq, embedded in this process (see "Embedding" in its wiki); demo_app/judge/adapters/command.py
# drives it. Its free version removes a job from the list before the job runs; Sidekiq Pro does not.
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
