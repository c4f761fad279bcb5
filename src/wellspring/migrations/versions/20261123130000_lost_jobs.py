"""How often a job was lost with its worker stands in its row: picking a job is no write of its own any more."""

from wellspring.migrations.helpers import run

revision = "20261123130000"
down_revision = "20261123110000"


def upgrade() -> None:
    # A worker's own late heartbeat lets it take a job again that it still runs: that loses nothing. A job that is held
    # starts anew when an operator gives it back.
    run("""
    CREATE FUNCTION jobs.count_lost() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
        BEGIN
            NEW.headers := CASE WHEN NEW.status = 'picked'
                THEN jsonb_build_object('lost', coalesce((OLD.headers->>'lost')::int, 0) + 1) END;
            RETURN NEW;
        END $$;
    CREATE TRIGGER count_lost BEFORE UPDATE OF status ON jobs.pgqueuer FOR EACH ROW
        WHEN (OLD.status = 'picked' AND NEW.status = 'picked'
                AND NEW.queue_manager_id IS DISTINCT FROM OLD.queue_manager_id
            OR NEW.status = 'failed' AND OLD.headers IS NOT NULL)
        EXECUTE FUNCTION jobs.count_lost();
    DROP TABLE jobs.pick;
    """)


def downgrade() -> None:
    run("""
    DROP TRIGGER count_lost ON jobs.pgqueuer;
    DROP FUNCTION jobs.count_lost;
    CREATE TABLE jobs.pick (job_id bigint PRIMARY KEY, picks int NOT NULL, last_at timestamptz NOT NULL DEFAULT now());
    GRANT ALL ON jobs.pick TO wellspring_worker, wellspring_maintenance;
    """)
